"""The only file that knows everybody: it hands the command line what its commands need."""

import sys

from hundi.cli.app import run
from hundi.serving import CannotServeError, serve
from hundi.simulator.server import run as simulate


def main() -> int:
    """Run one `hundi` command; the process's exit code."""
    return run(sys.argv[1:], serve=serve, simulate=simulate, cannot=CannotServeError)


if __name__ == "__main__":
    sys.exit(main())
