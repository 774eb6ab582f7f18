"""A private, throw-away PostgreSQL cluster made of the installed binaries.

    with cluster() as server:
        url = server.create("orders")

    python -m tests.postgres run -- COMMAND …    runs COMMAND with HUNDI_DATABASE_URL set

It listens on a free loopback port, keeps its files and its socket in a temporary directory of its
own, and removes them at the end. As root it runs as `postgres` or `nobody`, since PostgreSQL refuses
root. Only the standard library is used, so that any Python can run it.
"""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.ports import free_port

USER = "hundi"
START_SECONDS = 60
STOP_SECONDS = 20
ATTEMPTS = 5
_NEEDED = ("initdb", "postgres", "psql")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "log_min_messages": "warning",
}
# Commits still wait until they are written, so that killing any process loses none.
_UNSAFE = {"fsync": "off", "full_page_writes": "off"}
_PR_SET_PDEATHSIG = 1


class NoPostgresError(Exception):
    """PostgreSQL is not installed here, or its cluster did not start. The message says which."""


def binaries() -> Path | None:
    """The folder of the newest installed server binaries; None where there are none."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0,
        reverse=True,
    )
    onpath = shutil.which("postgres")
    found = [*debian, *([Path(onpath).resolve().parent] if onpath else [])]
    return next((path for path in found if all((path / name).exists() for name in _NEEDED)), None)


@dataclass(frozen=True)
class Cluster:
    """A running cluster. Its one user owns everything and needs no password.

    `folder` holds its socket, its log, and its files in `data`.
    """

    folder: Path
    programs: Path
    port: int
    pid: int
    settings: Mapping[str, str]

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, *, template: str = "template1") -> str:
        """Create a database, a copy of `template` (which nobody may be using). Returns its URL."""
        self.sql(f'create database "{database}" template "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drop a database, cutting off whoever still uses it."""
        self.sql(f'drop database if exists "{database}" with (force)')

    def sql(self, statement: str) -> None:
        command = [*self._psql, "-c", statement]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=_environment())

    def answers(self) -> bool:
        command = [*self._psql, "-c", "select"]
        quiet = subprocess.DEVNULL
        asked = subprocess.run(command, check=False, stdout=quiet, stderr=quiet, env=_environment())
        return asked.returncode == 0

    @property
    def _psql(self) -> tuple[str, ...]:
        where = ("-h", str(self.folder), "-p", str(self.port), "-U", USER, "-d", "postgres")
        return (str(self.programs / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", *where)


@contextlib.contextmanager
def cluster(
    *, fsync: bool = True, under: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """Start a cluster, and stop and remove it at the end. Raises NoPostgresError.

    Without `fsync` it is faster and still survives the death of any process, not of the machine.
    Its folder is made `under` another, which all may enter.
    """
    programs = binaries()
    if programs is None:
        message = "PostgreSQL is not installed (on Debian: apt-get install postgresql)."
        raise NoPostgresError(message)
    folder = Path(tempfile.mkdtemp(prefix="hundi-pg-", dir=under))
    try:
        owner = _owner()
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        _initialise(programs, folder, owner)
        every = _SETTINGS | ({} if fsync else _UNSAFE) | dict(settings or {})
        with _started(programs, folder, owner, settings=every) as it:
            yield it
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def revive(
    dead: Cluster, *, port: int | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Cluster, subprocess.Popen[bytes]]:
    """Start the server of a cluster again after it died, and give it time to recover.

    Whoever does so ends it with `stop`. Raises NoPostgresError where it does not come up.
    """
    given = dict(dead.settings) | {"port": str(port or dead.port)}
    process = _launch(
        dead.programs, dead.folder, _owner(), settings=given, environment=environment or {}
    )
    again = replace(dead, port=port or dead.port, pid=process.pid)
    if _wait(process, again):
        return again, process
    stop(process)
    raise NoPostgresError(_complaint(dead.folder))


def copied(running: Cluster, folder: Path) -> None:
    """Copy a cluster's files as they lie there, for a server that `revive` starts on the copy."""
    no_lock = shutil.ignore_patterns("postmaster.pid")
    shutil.copytree(running.folder / "data", folder / "data", ignore=no_lock)
    own(folder)


def own(folder: Path) -> None:
    """Give a copy of a cluster's files to whom the cluster runs as."""
    owner = _owner()
    if owner is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _complaint(folder: Path) -> str:
    log = (folder / "log").read_text(errors="replace")
    return f"PostgreSQL did not start: {log[-2000:].strip()}"


def _owner() -> pwd.struct_passwd | None:
    """Whom the cluster runs as when we are root; None when we may run it ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _environment() -> dict[str, str]:
    """Ours without PG* variables, which would lead psql and postgres elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C.UTF-8"}


def _initialise(programs: Path, folder: Path, owner: pwd.struct_passwd | None) -> None:
    command = [
        *(str(programs / "initdb"), "-D", str(folder / "data"), "-U", USER, "-A", "trust"),
        *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
    ]
    made = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        user=owner.pw_uid if owner else None,
        group=owner.pw_gid if owner else None,
        extra_groups=[] if owner else None,
    )
    if made.returncode != 0:
        message = f"initdb failed: {made.stderr.strip() or made.stdout.strip()}"
        raise NoPostgresError(message)


@contextlib.contextmanager
def _started(
    programs: Path, folder: Path, owner: pwd.struct_passwd | None, *, settings: dict[str, str]
) -> Iterator[Cluster]:
    for _ in range(ATTEMPTS):  # a start that fails is tried again, on another port
        port = free_port()
        process = _launch(programs, folder, owner, settings=settings | {"port": str(port)})
        try:
            running = Cluster(folder, programs, port, process.pid, settings)
            if _wait(process, running):
                yield running
                return
        finally:
            stop(process)
    raise NoPostgresError(_complaint(folder))


def _launch(
    programs: Path,
    folder: Path,
    owner: pwd.struct_passwd | None,
    *,
    settings: dict[str, str],
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    given = [f"--{name}={value}" for name, value in settings.items()]
    command = [str(programs / "postgres"), "-D", str(folder / "data"), "-k", str(folder), *given]
    libc = ctypes.CDLL(None)

    def die_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)

    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=_environment() | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is ours to answer
            # Nothing else outlives a killed test run: no thread runs here that could hold a lock.
            preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )


def _wait(process: subprocess.Popen[bytes], running: Cluster) -> bool:
    """Whether it takes connections; False as soon as it has ended."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if running.answers():
            return True
        time.sleep(0.05)
    return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown (open connections are cut), then the hard way."""
    for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return


def run(command: Sequence[str]) -> int:
    """Run a command beside a fresh cluster and database; the command's exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    with cluster() as server:
        server.create(USER)
        url = server.url(USER)
        print(f"private PostgreSQL at {url}", file=sys.stderr, flush=True)
        finished = subprocess.run(
            command, check=False, env=os.environ | {"HUNDI_DATABASE_URL": url}
        )
        return finished.returncode


def _terminated(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def main(arguments: Sequence[str]) -> int:
    """Read the command line. Exit codes: 2 for wrong use, 3 without PostgreSQL."""
    if len(arguments) < 3 or tuple(arguments[:2]) != ("run", "--"):
        print("usage: python -m tests.postgres run -- COMMAND …", file=sys.stderr)
        return 2
    try:
        return run(arguments[2:])
    except NoPostgresError as error:
        print(error, file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
