"""What the tests of `deploy/` share: its files, and the command line that they call."""

import shlex
from pathlib import Path

from hundi.cli.app import _build
from hundi.cli.tools import Tools
from hundi.kernel.settings import CannotServeError
from tests.house.sources import ROOT

DEPLOY = ROOT / "deploy"


def _never(*_: object, **__: object) -> int:
    raise AssertionError("a command line is only read here")


def read_by_cli(words: str | list[str]) -> None:
    """Have a `hundi …` command line read, to the last option, and not run. Raises what a caller sees."""
    left = shlex.split(words) if isinstance(words, str) else list(words)
    command = _build(
        Tools(
            serve=_never,
            simulate=_never,
            demo=_never,
            check_endpoint=lambda *_, **__: None,
            unservable=CannotServeError,
        )
    )
    context = command.make_context("hundi", list(left))
    while hasattr(command, "resolve_command"):
        assert left, "a command's name is missing"
        name, command, left = command.resolve_command(context, left)
        context = command.make_context(name, list(left), parent=context)


def texts() -> dict[str, str]:
    """The text files below `deploy/` by their path."""
    paths = (
        path
        for path in sorted(DEPLOY.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and "secrets" not in path.parts
    )
    return {_name(path): path.read_text(encoding="utf-8") for path in paths}


def _name(path: Path) -> str:
    return str(path.relative_to(DEPLOY))
