"""The demo's processes: started, waited for, stopped, none left behind. Public surfaces only."""

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hundi.kernel.sealing import VARIABLE, new_key

READY_SECONDS = 60
STOP_SECONDS = 25
TAIL_LINES = 15


class StageError(Exception):
    """A process did not come up, or a command failed; the message shows its last words."""


@dataclass(frozen=True, slots=True)
class Http:
    """One answer. `milliseconds` is the caller's clock."""

    status: int
    body: Any
    milliseconds: float


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def call(
    method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Http:
    """One HTTP call; refusals are answers too. Raises OSError where no whole answer came.

    What is not JSON (a proxy on the way answers too) is told as text.
    """
    request = urllib.request.Request(url, data=body, method=method, headers=dict(headers or {}))  # noqa: S310
    began = time.perf_counter()
    try:
        status, raw = _answered(request)
    except http.client.HTTPException as cut:
        raise ConnectionError(f"the answer was cut off: {cut}") from cut
    took = (time.perf_counter() - began) * 1000
    return Http(status, _body(raw), took)


def _body(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")


def _answered(request: urllib.request.Request) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()


class Process:
    """One `hundi` process whose output goes to a file."""

    def __init__(self, arguments: Sequence[str], *, log: Path, environment: dict[str, str]) -> None:
        self._arguments = [sys.executable, "-m", "hundi.main", *arguments]
        self._log = log
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, ready: str) -> None:
        """Start it and wait until a URL answers 200. Raises StageError."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                self._arguments,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not _answers(ready):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StageError(f"{' '.join(self._arguments[3:5])} did not start.\n{self.tail()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end, and make it end."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End it as a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def tail(self) -> str:
        """Its last lines."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])


def _answers(url: str) -> bool:
    try:
        return call("GET", url).status == 200
    except (OSError, ValueError):
        return False


def _key_of(database_url: str) -> str:
    """A key for playing on a database without one: the same for the same URL, so hardly a secret."""
    return new_key(lambda _: hashlib.sha256(b"hundi demo " + database_url.encode()).digest())


class Stage:
    """A temporary folder, a database, and the processes on it. A context manager."""

    def __init__(self, database_url: str | None) -> None:
        self._end = ExitStack()
        self.folder = Path(self._end.enter_context(tempfile.TemporaryDirectory(prefix="hundi-")))
        self.database_url = database_url or f"sqlite:///{self.folder / 'hundi.db'}"
        self.environment = {**os.environ, "HUNDI_DATABASE_URL": self.database_url}
        if database_url is not None and not os.environ.get(VARIABLE):
            self.environment[VARIABLE] = _key_of(database_url)
        self._processes: list[Process] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self._processes):
            process.stop()
        self._end.close()

    def command(self, *arguments: str) -> dict[str, Any]:
        """Run a `hundi … --json` command; the object it printed. Raises StageError."""
        done = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-m", "hundi.main", *arguments, "--json"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=READY_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise StageError(f"hundi {' '.join(arguments[:2])} failed.\n{done.stderr.strip()}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def process(self, name: str, *arguments: str) -> Process:
        """A process that ends with the stage; it is not started yet."""
        process = Process(arguments, log=self.folder / f"{name}.log", environment=self.environment)
        self._processes.append(process)
        return process
