"""What the machine did meanwhile: processor time, memory and disk flushes, read from /proc."""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MEBIBYTE = 1 << 20
_FLUSHES = 18
"""Column of /proc/diskstats with the flush requests completed (Linux 5.5 and later)."""


def tree(pid: int) -> Iterator[int]:
    """A process and all its descendants that are alive."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:
            continue
        for child in found:
            yield from tree(int(child))


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_seconds(pid: int) -> float:
    """Processor time of a process, its living descendants and those it has waited for."""
    ticks = 0
    for member in tree(pid):
        fields = _stat(member)
        ticks += sum(map(int, fields[11:13])) if fields else 0
    own = _stat(pid)
    return (ticks + (sum(map(int, own[13:15])) if own else 0)) / _TICKS


def memory(pid: int) -> float:
    """Resident memory of a process tree in MiB. Shared pages count once for each process."""
    pages = (int(fields[21]) for fields in map(_stat, tree(pid)) if fields)
    return sum(pages) * _PAGE / _MEBIBYTE


def machine_seconds() -> tuple[float, float]:
    """Processor seconds since the start that were used here, and that the host gave to others."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]))
    user, nice, system, _, _, interrupts, soft, stolen = fields[:8]
    return (user + nice + system + interrupts + soft) / _TICKS, stolen / _TICKS


async def load_before() -> float:
    """Share of all processors in use over one second, in percent."""
    before = sum(machine_seconds())
    await asyncio.sleep(1)
    return (sum(machine_seconds()) - before) / (os.cpu_count() or 1) * 100


def _device(path: Path) -> str:
    number = path.stat().st_dev
    return f"{os.major(number)} {os.minor(number)}"


def flushes(path: Path) -> int | None:
    """Flush requests that the disk under `path` has completed; None where it does not say."""
    for line in Path("/proc/diskstats").read_text().splitlines():
        fields = line.split()
        if " ".join(fields[:2]) == _device(path) and len(fields) > _FLUSHES:
            return int(fields[_FLUSHES])
    return None


def filesystem(path: Path) -> str:
    """Type of the file system that holds `path`, such as ext4 or tmpfs."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, found, *_ = line.split()
        if path.resolve().is_relative_to(mount) and len(mount) >= len(best):
            best, kind = mount, found
    return kind


@dataclass(slots=True)
class Memory:
    """Resident memory of one server over its life, in MiB, a sample every half second."""

    samples: list[float] = field(default_factory=list)

    @property
    def peak(self) -> float:
        """The highest sample."""
        return max(self.samples, default=0.0)

    def start_and_end(self) -> tuple[float, float]:
        """Means of the second and of the last tenth; the first tenth is the server filling up."""
        tenth = max(1, len(self.samples) // 10)
        early, late = self.samples[tenth : 2 * tenth], self.samples[-tenth:]
        return _mean(early or late), _mean(late)

    async def watch(self, pid: int) -> None:
        """Sample until cancelled."""
        while True:
            self.samples.append(memory(pid))
            await asyncio.sleep(0.5)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """Processor seconds by group, the machine's among them, and disk flushes at one moment."""

    seconds: dict[str, float]
    flushes: int | None

    def since(self, before: "Reading", elapsed: float) -> tuple[dict[str, float], int | None]:
        """Processors in use by group (1.0 is one core) and flushes between two readings."""
        used = {name: (at - before.seconds[name]) / elapsed for name, at in self.seconds.items()}
        if self.flushes is None or before.flushes is None:
            return used, None
        return used, self.flushes - before.flushes


def read(groups: dict[str, int], disk: Path) -> Reading:
    """Take a reading. `groups` maps a name to the process at the root of its tree.

    `bench` is this process alone, which sends the load and receives the webhooks; `machine` is all
    that ran here, `stolen` what a virtual machine wanted and its host gave to others.
    """
    used, stolen = machine_seconds()
    seconds = {name: cpu_seconds(pid) for name, pid in groups.items()}
    seconds |= {"bench": time.process_time(), "machine": used, "stolen": stolen}
    return Reading(seconds, flushes(disk))
