"""Several serving processes under one parent, which starts them, starts them again, and stops them.

The parent serves nothing and asks nothing of the database. It holds every worker's socket, so that
callers who come while a worker is away wait in its queue for the next one, and one end of a pipe to
all: when the parent is gone, however it went, the pipe closes and the workers stop as on SIGTERM.
"""

import math
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import structlog

from hundi.kernel.settings import CannotServeError, ServeSettings
from hundi.serving.door import shut
from hundi.serving.listening import listen_together
from hundi.serving.process import Seat, announcement
from hundi.store.engine import StoreError
from hundi.web.siblings import Siblings

SHORT_LIFE = 10.0
"""Seconds. Who lives longer starts again at once, who does not after a pause that doubles."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
PATIENCE = 60.0
"""Seconds that workers have to stop: more than requests, attempts and the database need together."""
_HEEDED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)

_log = structlog.get_logger()

Run = Callable[[ServeSettings, Seat], None]


@dataclass(slots=True, kw_only=True)
class _Worker:
    """A place for a process: what it is to do, and the process that does it now (0: none)."""

    name: str
    role: str
    listening: socket.socket | None
    asked: socket.socket
    process: int = 0
    since: float = 0.0
    pause: float = 0.0
    due: float = 0.0


def supervise(settings: ServeSettings, run: Run) -> int:
    """Run workers until SIGTERM or SIGINT, and then until they have ended; the exit code.

    Raises CannotServeError where the port cannot be had.
    """
    workers = _places(settings)
    kept, given = os.pipe()  # who reads sees its end when the last writer, the parent, is gone
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEEDED)
    parent = _Parent(settings, workers, run=run, pipe=(kept, given))
    listening = workers[0].listening
    port = listening.getsockname()[1] if listening is not None else None
    print(announcement(settings, port=port), flush=True)  # noqa: T201
    return parent.run()


def _places(settings: ServeSettings) -> list[_Worker]:
    """Of role all, dispatching has a process of its own beside the workers."""
    count = settings.workers
    if settings.role == "dispatcher":
        sockets = [None] * count if settings.port is None else listen_together(settings, count)
        return [_place(f"dispatcher-{n}", "dispatcher", one) for n, one in enumerate(sockets, 1)]
    sockets = listen_together(settings, count)
    places = [_place(f"api-{n}", "api", one) for n, one in enumerate(sockets, 1)]
    if settings.role == "all":
        places.append(_place("dispatcher", "dispatcher", None))
    return places


def _place(name: str, role: str, listening: socket.socket | None) -> _Worker:
    asked = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    asked.bind(f"\0hundi-{secrets.token_hex(16)}")
    asked.listen(16)
    asked.settimeout(0)
    return _Worker(name=name, role=role, listening=listening, asked=asked)


class _Parent:
    """Starts workers and waits for what becomes of them."""

    def __init__(
        self,
        settings: ServeSettings,
        workers: Sequence[_Worker],
        *,
        run: Run,
        pipe: tuple[int, int],
    ) -> None:
        self._settings = settings
        self._workers = workers
        self._run = run
        self._kept, self._given = pipe
        self._failed = False

    def run(self) -> int:
        """Keep everybody running until told to stop. 1 where some had to be ended by force."""
        while True:
            for worker in self._workers:
                if not worker.process and worker.due <= time.monotonic():
                    self._start(worker)
            if self._wait(1.0) in {signal.SIGTERM, signal.SIGINT}:
                return self._stop()
            for worker in self._ended():
                self._plan(worker)

    def _wait(self, seconds: float) -> int | None:
        told = signal.sigtimedwait(_HEEDED, min(seconds, self._next_start()))
        return told.si_signo if told is not None else None

    def _next_start(self) -> float:
        waits = [w.due - time.monotonic() for w in self._workers if not w.process]
        return max(0.0, min(waits, default=60.0))

    def _start(self, worker: _Worker) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        worker.since = time.monotonic()
        worker.process = os.fork() or self._become(worker)

    def _ended(self) -> list[_Worker]:
        """The workers whose process has ended since."""
        found = []
        for worker in self._workers:
            if not worker.process:
                continue
            ended, status = os.waitpid(worker.process, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                _log.info("worker-ended", worker=worker.name, process=ended, code=code)
                worker.process = 0
                found.append(worker)
        return found

    def _plan(self, worker: _Worker) -> None:
        lived = time.monotonic() - worker.since
        worker.pause = (
            0.0 if lived >= SHORT_LIFE else min(2 * worker.pause or FIRST_PAUSE, LONGEST_PAUSE)
        )
        worker.due = time.monotonic() + worker.pause

    def _stop(self) -> int:
        """Tell all to stop, and wait; whoever takes too long loses what it was at."""
        for worker in self._workers:  # theirs alone now: with the last one's the port is refused
            if worker.listening is not None:
                shut(worker.listening)
                worker.listening.close()
        self._tell(signal.SIGTERM)
        last = time.monotonic() + PATIENCE
        while any(w.process for w in self._workers):
            if time.monotonic() > last:
                _log.error(
                    "workers-did-not-stop", killed=[w.name for w in self._workers if w.process]
                )
                self._tell(signal.SIGKILL)
                self._failed, last = True, math.inf
            signal.sigtimedwait(_HEEDED, 0.5)
            self._ended()
        return 1 if self._failed else 0

    def _tell(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process:
                os.kill(worker.process, number)

    def _become(self, worker: _Worker) -> NoReturn:
        """In the new process: be that worker, and never return into the parent's code."""
        code = 1
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEEDED)
            os.close(self._given)
            seat = self._seat(worker)
            port = self._settings.port if worker.listening is not None else None
            self._run(replace(self._settings, role=worker.role, port=port, workers=1), seat)
            code = 0
        except CannotServeError as error:
            _log.error("worker-cannot-serve", worker=worker.name, error=str(error))
        except StoreError as error:
            _log.warning("worker-waits-for-database", worker=worker.name, error=str(error))
        except BaseException as error:  # noqa: BLE001 (the parent sees the code, the log the rest)
            _log.critical("worker-ended-by-error", worker=worker.name, exc_info=error)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _seat(self, worker: _Worker) -> Seat:
        """What is this worker's; what is the others' is closed here."""
        others = [one for one in self._workers if one is not worker]
        addresses = {one.name: one.asked.getsockname().decode() for one in others}
        for one in others:
            one.asked.close()
            if one.listening is not None:
                one.listening.close()
        siblings = Siblings(worker.name, listening=worker.asked, others=addresses)
        return Seat(listening=worker.listening, siblings=siblings, lifeline=self._kept)
