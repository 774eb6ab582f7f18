"""`hundi` commands for tests: each a process of its own, forked from one that has loaded what they use.

To load it is most of the half second that a command takes. `cold` starts one from nothing.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

from tests.house.sources import ROOT

TIMEOUT_SECONDS = 60
LONGEST_MESSAGE = 1 << 17
LOADED = ("hundi.cli.app", "hundi.store.postgres", "alembic.command", "pydantic.type_adapter")

Ran = subprocess.CompletedProcess[str]


def hundi(*arguments: str, url: str, **settings: str) -> Ran:
    """A command against the database of that URL; `settings` are further environment variables."""
    return _ran(arguments, environment={**os.environ, "HUNDI_DATABASE_URL": url, **settings})


def bare(*arguments: str, url: str, **settings: str) -> Ran:
    """A command without the tests' own key."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HUNDI_SECRET_KEYS")}
    return _ran(arguments, environment={**environment, "HUNDI_DATABASE_URL": url, **settings})


def cold(*arguments: str, url: str) -> Ran:
    """A command as a shell starts it."""
    return subprocess.run(
        [sys.executable, "-m", "hundi.main", *arguments],
        env={**os.environ, "HUNDI_DATABASE_URL": url},
        capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False,
    )  # fmt: skip


def _ran(arguments: Sequence[str], *, environment: Mapping[str, str]) -> Ran:
    asked = json.dumps([arguments, dict(environment), str(Path.cwd())]).encode()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        exit_code = _forking().run(asked, files=[out.fileno(), err.fileno()])
        out.seek(0)
        err.seek(0)
        return Ran(list(arguments), exit_code, out.read().decode(), err.read().decode())


class _Forking:
    """The process that forks. It ends when this one does, or hangs up."""

    def __init__(self) -> None:
        self._way, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._way.settimeout(TIMEOUT_SECONDS)
        number = theirs.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.commands", str(number)],
            cwd=ROOT, pass_fds=[number], stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        theirs.close()

    def run(self, asked: bytes, *, files: Sequence[int]) -> int:
        """The exit code. Raises `TimeoutError` after a minute; what was run is killed then."""
        socket.send_fds(self._way, [asked], files)
        try:
            return int(self._way.recv(LONGEST_MESSAGE))
        except TimeoutError:
            os.killpg(self._process.pid, signal.SIGKILL)
            _forking.cache_clear()
            raise

    def close(self) -> None:
        self._way.close()
        self._process.wait()


@cache
def _forking() -> _Forking:
    forking = _Forking()
    atexit.register(forking.close)
    return forking


def _serve(control: socket.socket) -> None:
    """Fork for each message, tell how the fork ended. It is ended itself when nobody waits any more."""
    for module in LOADED:
        import_module(module)
    from hundi.main import main

    while True:
        asked, files, *_ = socket.recv_fds(control, LONGEST_MESSAGE, 2)
        if not asked:
            return
        child = os.fork()
        if child == 0:
            control.close()
            _become(*json.loads(asked), files=files)
            sys.exit(main())
        for file in files:
            os.close(file)
        _, ended = os.waitpid(child, 0)
        control.send(str(os.waitstatus_to_exitcode(ended)).encode())


def _become(
    arguments: list[str], environment: dict[str, str], folder: str, *, files: list[int]
) -> None:
    for number, file in enumerate(files, start=1):
        os.dup2(file, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["hundi", *arguments]


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
