"""What the command line cannot import and is handed by `main`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hundi.kernel.faults import Fault
from hundi.kernel.settings import ServeSettings


class Simulate(Protocol):
    """Runs a simulated ERP until it is stopped; the exit code."""

    def __call__(
        self, *, host: str, port: int, credentials: Path, rules: Path | None, state: Path | None
    ) -> int:
        """Run it."""


class Demo(Protocol):
    """Plays the demo; the exit code."""

    def __call__(self, *, once: bool) -> int:
        """Play it, and with `once` stop after the checks."""


class CheckEndpoint(Protocol):
    """Says what keeps `hundi serve`, with `--dev` or without, from calling an endpoint."""

    def __call__(self, url: str, *, dev: bool) -> Fault | None:
        """Look at the URL alone; nothing is resolved or connected to."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The work behind `serve`, `simulate` and `demo`. `unservable` is what `serve` raises."""

    serve: Callable[[ServeSettings], int]
    simulate: Simulate
    demo: Demo
    check_endpoint: CheckEndpoint
    unservable: type[Exception]
