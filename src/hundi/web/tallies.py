"""Counters and histograms of one event loop, for the Prometheus library to write out.

Its own ones take a lock and look their labels up at each count: for threads, which there are none
here of. A message is counted six times and more, and these take a fifth of that.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Counts(Collector):
    """A counter for each combination of the values of its `labels` that has come or begun.

    Without any labels there is one, from the start.
    """

    def __init__(
        self, name: str, text: str, labels: Iterable[str], *, registry: CollectorRegistry
    ) -> None:
        self._about = (name, text)
        self.labels = tuple(labels)
        self._found: dict[tuple[str, ...], int] = {} if self.labels else {(): 0}
        registry.register(self)

    def begin(self, *labels: str) -> None:
        """Tell of it from the start: whoever looks for a rise does not see the first otherwise."""
        self._found.setdefault(labels, 0)

    def add(self, *labels: str, by: int = 1) -> None:
        """Count something under the values of all labels, in their order."""
        self._found[labels] = self._found.get(labels, 0) + by

    def describe(self) -> Iterator[Metric]:
        """Its name, so that the library lets nobody else have it."""
        yield CounterMetricFamily(*self._about, labels=self.labels)

    def collect(self) -> Iterator[Metric]:
        """What the library writes out."""
        family = CounterMetricFamily(*self._about, labels=self.labels)
        for labels, count in self._found.items():
            family.add_metric(labels, count)
        yield family


class Durations(Collector):
    """A histogram for each combination of the values of its `labels`; without any, one from the start.

    `bounds` are the upper ones of its buckets, without infinity.
    """

    def __init__(
        self,
        name: str,
        text: str,
        bounds: Sequence[float],
        *,
        labels: Sequence[str] = (),
        registry: CollectorRegistry,
    ) -> None:
        self._about = (name, text)
        self.bounds = tuple(bounds)
        self.labels = tuple(labels)
        self._found: dict[tuple[str, ...], list[float]] = {}
        if not labels:
            self._begin(())
        registry.register(self)

    def observe(self, value: float, *labels: str) -> None:
        """Count a value under the values of all labels, in their order."""
        seen = self._found.get(labels) or self._begin(labels)
        seen[bisect_left(self.bounds, value)] += 1
        seen[-1] += value

    def describe(self) -> Iterator[Metric]:
        """Its name, so that the library lets nobody else have it."""
        yield HistogramMetricFamily(*self._about, labels=self.labels)

    def collect(self) -> Iterator[Metric]:
        """What the library writes out."""
        family = HistogramMetricFamily(*self._about, labels=self.labels)
        names = [floatToGoString(b) for b in (*self.bounds, float("inf"))]  # type: ignore[no-untyped-call]
        for labels, (*counts, total) in self._found.items():
            below = [sum(counts[: place + 1]) for place in range(len(counts))]
            family.add_metric(labels, list(zip(names, below, strict=True)), total)
        yield family

    def _begin(self, labels: tuple[str, ...]) -> list[float]:
        """How many came up to each bound, how many beyond the last, and the sum of all."""
        seen = self._found[labels] = [0.0] * (len(self.bounds) + 2)
        return seen
