"""Counters and histograms as the library writes them out, beside its own on the same values."""

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest

from hundi.web.tallies import Counts, Durations

BOUNDS = (0.001, 0.5, 1, 10)


def told(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return sorted(line for line in lines if "_created" not in line)


def test_counts_are_told_as_the_library_tells_its_own() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = Counts("calls", "Calls.", ("kind", "end"), registry=ours)
    counter = Counter("calls", "Calls.", ("kind", "end"), registry=theirs)
    assert "calls_total{" not in "".join(told(ours))
    for kind, by in (("a", 1), ("b", 3), ("a", 2)):
        counts.add(kind, "x", by=by)
        counter.labels(kind, "x").inc(by)
    assert told(ours) == told(theirs)


@pytest.mark.parametrize("labels", [(), ("kind",)])
def test_durations_are_told_as_the_library_tells_its_own(labels: tuple[str, ...]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    durations = Durations("wait", "Waits.", BOUNDS, labels=labels, registry=ours)
    histogram = Histogram("wait", "Waits.", labels, buckets=BOUNDS, registry=theirs)
    assert told(ours)[0:2] == told(theirs)[0:2]
    for value in (0.0005, 0.001, 0.25, 1, 1.5, 10, 11):
        durations.observe(value, *labels)
        (histogram.labels(*labels) if labels else histogram).observe(value)
    assert told(ours) == told(theirs)
