"""The only file that knows everybody: it hands the command line what its commands need.

Each command loads what it uses when it runs, so that `hundi client add` is not slowed down by a web
server that it does not start. Nothing is loaded before `main` can tell a Ctrl-C from a mistake.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from hundi.kernel.faults import Fault
    from hundi.kernel.settings import ServeSettings

_CTRL_C = 130


def _serve(settings: "ServeSettings") -> int:
    from hundi.serving import serve  # noqa: PLC0415

    return serve(settings)


def _simulate(
    *, host: str, port: int, credentials: "Path", rules: "Path | None", state: "Path | None"
) -> int:
    from hundi.simulator.server import run as simulate  # noqa: PLC0415

    return simulate(host=host, port=port, credentials=credentials, rules=rules, state=state)


def _demo(*, once: bool) -> int:
    from hundi.cli.demo import play  # noqa: PLC0415
    from hundi.cli.scenes.table import Stories  # noqa: PLC0415
    from hundi.simulator import (  # noqa: PLC0415
        story,
        story_bends,
        story_financing,
        story_money,
        story_supplies,
    )

    stories = Stories(
        orders=story,
        supplies=story_supplies,
        money=story_money,
        financing=story_financing,
        bends=story_bends,
    )
    return play(stories, once=once)


def _check_endpoint(url: str, *, dev: bool) -> "Fault | None":
    from hundi.delivery.egress import EgressGuard  # noqa: PLC0415

    return EgressGuard.for_mode(dev=dev).check_url(url)


def main() -> int:
    """Run one `hundi` command; the process's exit code."""
    try:
        return _run(sys.argv[1:])
    except KeyboardInterrupt:
        return _CTRL_C


def _run(arguments: list[str]) -> int:
    from hundi.cli.app import run  # noqa: PLC0415
    from hundi.cli.tools import Tools  # noqa: PLC0415
    from hundi.kernel.settings import CannotServeError  # noqa: PLC0415

    tools = Tools(
        serve=_serve,
        simulate=_simulate,
        demo=_demo,
        check_endpoint=_check_endpoint,
        unservable=CannotServeError,
    )
    return run(arguments, tools)


if __name__ == "__main__":
    sys.exit(main())
