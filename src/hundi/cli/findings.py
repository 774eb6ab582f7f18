"""Telling what a check has found: a line each on stdout, or one JSON object; exit code 1 if any."""

import json

import typer

from hundi.exchange.invariants.finding import Broken

MOST_IN_JSON = 1000

BROKEN = 1


class Findings:
    """Lines are printed as they are found, so that no number of them fills the memory."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._kept: list[dict[str, str]] = []
        self.count = 0

    def __call__(self, one: Broken) -> None:
        """Tell of one, or keep it for the JSON object, which holds a thousand at most."""
        self.count += 1
        if not self._as_json:
            typer.echo(f"broken: {one}")
        elif len(self._kept) < MOST_IN_JSON:
            self._kept.append({"promise": one.promise, "where": one.where, "what": one.what})

    def close(self, **figures: object) -> None:
        """Print what was looked at, and leave with 1 if something is broken."""
        if self._as_json:
            typer.echo(json.dumps({**figures, "broken": self.count, "findings": self._kept}))
        else:
            for name, value in figures.items():
                typer.echo(f"{name:<12}  {_text(value)}")
            typer.echo(f"{'broken':<12}  {self.count}")
        if self.count:
            raise typer.Exit(BROKEN)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items())
    return str(value)
