"""SIGTERM and SIGHUP end a command as Ctrl-C does: what it has begun is cleared away before."""

import os
import signal
import threading
from types import FrameType
from typing import NoReturn

GRACE_SECONDS = 5
"""What clearing away may take. A thread that checks a whole store hears of no signal."""

_HEEDED = (signal.SIGTERM, signal.SIGHUP)


def clear_away_when_told_to_end() -> None:
    """From here on both signals run every `finally`, and the exit code is 128 and the signal.

    What is ignored, as SIGHUP under nohup, stays ignored.
    """
    for number in _HEEDED:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    # A terminal that closes is told by itself and by its shell: the second must not cut this off.
    for heeded in _HEEDED:
        signal.signal(heeded, _heard)
    # Python gives signals back their own effect as it ends: one that comes so late waits, and is forgotten.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEEDED)
    late = threading.Timer(GRACE_SECONDS, os._exit, [128 + number])
    late.daemon = True
    late.start()
    raise SystemExit(128 + number)


def _heard(_number: int, _frame: FrameType | None) -> None:
    """Nothing more. To ignore a signal that is on its way already is an error to Python."""
