"""The table, the targets and what they came to; the same as JSON."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from statistics import mean
from typing import Any

from bench.machine import Memory
from bench.sizes import Size
from bench.stage import Figure

ACKS_TO_CONTROL = 3.0
ACKS_TO_PGBENCH = 1.2
EXCHANGES_TO_CONTROL = 1.0
FURTHER_ACKS, FURTHER_EXCHANGES = 4.0, 1.5
"""Where to go once the targets are reached, of the control's."""
SQLITE_EXCHANGES = 1000.0
ACK_P99 = 25.0
MEMORY = 200.0
GROWTH = 8.0
LINE_GROWTH = 1.5
LONG = ("PostgreSQL", "SQLite")
"""Trials whose servers run long enough to speak of growth: those of acks."""
_WHOLE = "whole exchanges, times the control's deliveries"
_GROUPS = ("server", "postgres", "bench", "machine", "stolen")
_STOLEN = 0.05
AGAIN = ", afterwards"
"""Marks a floor that was measured once more after Hundi."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target and what was seen: reached where `seen` is at least, or at most, `wanted`."""

    name: str
    seen: float
    wanted: float
    at_least: bool

    @property
    def reached(self) -> bool:
        """Whether what was seen is good enough."""
        return self.seen >= self.wanted if self.at_least else self.seen <= self.wanted

    def told(self) -> str:
        """One line for people; a missed target says by how much."""
        relation = "≥" if self.at_least else "≤"
        verdict = "reached"
        if not self.reached:
            verdict = f"MISSED by {abs(self.seen - self.wanted) / self.wanted:.0%}"
        return f"{self.name:<68} {self.seen:>10,.2f}   {relation} {self.wanted:<8,.2f} {verdict}"


@dataclass(slots=True)
class Outcome:
    """All that one run of the benchmark saw. `faults` make it invalid; missed targets do not."""

    machine: dict[str, Any] = field(default_factory=dict)
    durability: dict[str, dict[str, str]] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)
    memories: dict[str, list[Memory]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def rate(self, name: str) -> float | None:
        """The rate of a figure by name, None if it was not measured."""
        return next((figure.rate for figure in self.figures if figure.name == name), None)

    def floor(self, name: str) -> float | None:
        """The mean rate of a floor before and after Hundi, None if it was not measured.

        A machine may slow down while it works hard; who comes first would have the better half of it.
        """
        rates = [one.rate for one in self.figures if one.name in {name, name + AGAIN}]
        return mean(rates) if rates else None

    def targets(self) -> list[Target]:
        """The targets that this run can speak of."""
        return [*self._ratios(), *self._latencies(), *self._lines(), *self._memory()]

    def _ratios(self) -> Iterator[Target]:
        for name in self.memories:
            if name.startswith("PostgreSQL") and "," not in name:
                yield from self._against_floors(name)
        embedded = self.rate("Hundi on SQLite, whole exchanges (two webhooks)")
        if embedded:
            yield Target("SQLite: whole exchanges/s", embedded, SQLITE_EXCHANGES, at_least=True)

    def _against_floors(self, server: str) -> Iterator[Target]:
        acks = self.rate(f"Hundi on {server}, acks")
        whole = self.rate(f"Hundi on {server}, whole exchanges (two webhooks)")
        deliveries = "control, deliveries (one webhook)"
        pairs = (
            ("acks, times the control's", acks, "control, acks", ACKS_TO_CONTROL),
            ("acks, times pgbench", acks, "pgbench, five statements", ACKS_TO_PGBENCH),
            (_WHOLE, whole, deliveries, EXCHANGES_TO_CONTROL),
            ("acks, times the control's, further", acks, "control, acks", FURTHER_ACKS),
            (f"{_WHOLE}, further", whole, deliveries, FURTHER_EXCHANGES),
        )
        for name, seen, floor, wanted in pairs:
            under = self.floor(floor)
            if seen and under:
                yield Target(f"{server}: {name}", seen / under, wanted, at_least=True)

    def _latencies(self) -> Iterator[Target]:
        for figure in self.figures:
            if figure.name.endswith("acks at 70%") and figure.p99 is not None:
                name = f"{figure.name.split(',')[0]}: ack p99 at 70 % load, ms"
                yield Target(name.removeprefix("Hundi on "), figure.p99, ACK_P99, at_least=False)

    def _lines(self) -> Iterator[Target]:
        """The cost of a line in large documents against that in documents of a hundred lines."""
        costs = {(size.database, size.kind, size.lines): size.per_line for size in self.sizes}
        for (name, kind, lines), cost in costs.items():
            of_hundred = costs.get((name, kind, 100))
            if lines == 1000 and of_hundred:
                told = f"{name}: {kind}, a line of 1,000, times one of 100"
                yield Target(told, cost / of_hundred, LINE_GROWTH, at_least=False)

    def _memory(self) -> Iterator[Target]:
        for name, memories in self.memories.items():
            if "workers" in name:  # pages that they share would count once for each
                continue
            peak = max(memory.peak for memory in memories)
            yield Target(f"{name}: server memory at its peak, MiB", peak, MEMORY, at_least=False)
            if name not in LONG:
                continue
            start, end = max(memories, key=lambda memory: len(memory.samples)).start_and_end()
            grown = f"{name}: memory grown {start:.0f} → {end:.0f} MiB in the longest stretch"
            yield Target(grown, max(0.0, end - start), GROWTH, at_least=False)

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for `json.dump`."""
        return {
            "valid": not self.faults,
            "faults": self.faults,
            "machine": self.machine,
            "durability": self.durability,
            "figures": [asdict(figure) for figure in self.figures],
            "sizes": [asdict(size) | {"perLine": size.per_line} for size in self.sizes],
            "targets": [asdict(target) | {"reached": target.reached} for target in self.targets()],
            "memory": {name: list(map(_memory_json, all_)) for name, all_ in self.memories.items()},
        }


def _memory_json(memory: Memory) -> dict[str, float]:
    start, end = memory.start_and_end()
    return {
        "start": start,
        "end": end,
        "peak": memory.peak,
        "seconds": len(memory.samples) / 2,
    }


def printed(outcome: Outcome) -> str:
    """The whole report as text."""
    lines = [*_settings("machine", outcome.machine)]
    for name, settings in outcome.durability.items():
        lines += _settings(name, settings)
    lines += [
        "",
        *_table(outcome.figures),
        *_doubts(outcome),
        *_sizes(outcome.sizes),
        "",
        *(t.told() for t in outcome.targets()),
    ]
    verdict = "INVALID:" if outcome.faults else "The counts agree: nothing lost, nothing doubled."
    return "\n".join([*lines, "", verdict, *(f"  {fault}" for fault in outcome.faults)])


def _settings(name: str, settings: Mapping[str, object]) -> Iterator[str]:
    yield f"{name}: " + ", ".join(f"{key} {value}" for key, value in settings.items())


def _doubts(outcome: Outcome) -> Iterator[str]:
    """Say so where the host took processor time away: such rates belong to the host, not to us."""
    most = max((figure.cores.get("stolen", 0.0) for figure in outcome.figures), default=0.0)
    if most > _STOLEN:
        yield f"The host took up to {most:.2f} of the cores away meanwhile. Measure again elsewhere."


def _table(figures: Iterable[Figure]) -> Iterator[str]:
    head = f"{'':<54} {'rate/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'seconds':>8} {'per flush':>9} {'cpu us':>8}"
    yield head + "   cores: " + ", ".join(_GROUPS)
    for figure in figures:
        cores = " ".join(_cell(figure.cores.get(group), 2) for group in _GROUPS)
        flushed = figure.count / figure.flushes if figure.flushes else None
        spent = figure.cores.get("server")
        each = spent / figure.rate * 1_000_000 if spent and figure.rate else None
        cells = (
            f"{figure.name:<54} {figure.rate:>9,.0f} {_cell(figure.p50, 1):>8}"
            f" {_cell(figure.p99, 1):>8} {figure.seconds:>8.1f} {_cell(flushed, 1):>9}"
            f" {_cell(each, 0):>8}"
        )
        yield f"{cells}   {cores}  {figure.note}".rstrip()


def _sizes(sizes: Iterable[Size]) -> Iterator[str]:
    """What documents of each size cost; nothing where they were not measured."""
    for place, size in enumerate(sizes):
        if not place:
            yield ""
            yield (
                f"{'':<22} {'lines':>6} {'bytes':>8} {'count':>6} {'ack p50':>8} {'p99 ms':>8}"
                f" {'server us':>10} {'database':>10} {'us a line':>10}"
            )
        yield (
            f"{size.database + ', ' + size.kind:<22} {size.lines:>6,} {size.body:>8,}"
            f" {size.count:>6,} {size.p50:>8.1f} {size.p99:>8.1f} {size.spent['server']:>10,.0f}"
            f" {_cell(size.spent.get('postgres'), 0):>10} {size.per_line:>10,.1f}"
        )


def _cell(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:,.{places}f}"
