"""Processes that end, stop and go on as a power cut or an operator would have them."""

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from time import monotonic

from bench.machine import tree
from proof.part import ProofError

PATIENCE = 20.0


def everyone(pids: Iterable[int]) -> list[int]:
    """These processes and all their descendants, parents first."""
    return [member for pid in pids for member in tree(pid)]


async def kill(pid: int) -> None:
    """SIGKILL a process and its descendants, and wait until none is left."""
    members = everyone([pid])
    _send(members, signal.SIGKILL)
    await _until(members, "ZX", "be gone")


async def freeze(pids: Iterable[int]) -> list[int]:
    """Stop processes and their descendants where they stand; whom to thaw."""
    members: list[int] = []
    while fresh := [pid for pid in everyone(pids) if pid not in members]:
        members += fresh  # who was born before its parent stopped is seen in the next round
        _send(fresh, signal.SIGSTOP)
        await _until(fresh, "TZX", "stop")
    return members


def thaw(members: Iterable[int]) -> None:
    """Let frozen processes go on."""
    _send(members, signal.SIGCONT)


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


async def _until(pids: Iterable[int], states: str, what: str) -> None:
    deadline = monotonic() + PATIENCE
    for pid in pids:
        while state(pid) not in states:
            if monotonic() > deadline:
                raise ProofError(f"process {pid} did not {what} within {PATIENCE:.0f} s")
            await asyncio.sleep(0.002)


def state(pid: int) -> str:
    """Its letter in /proc; `X` for one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"
