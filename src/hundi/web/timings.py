"""Where the time goes inside: commits, queues before them, the way of a webhook, the event loop."""

from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry

from hundi.exchange.outbox import AttemptResult
from hundi.exchange.verdict import Decision
from hundi.kernel.clock import MILLISECOND, SECOND
from hundi.store.ran import Ran
from hundi.web.tallies import Durations

_COMMIT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_LAG = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
_WAY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400)
_DELIVERED = {Decision.SETTLED, Decision.DECLINED}


class Timings:
    """Histograms in seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def histogram(name: str, text: str, bounds: Sequence[float], *labels: str) -> Durations:
            return Durations(f"hundi_{name}", f"{text}.", bounds, labels=labels, registry=registry)

        self._commits = histogram(
            "commit_seconds", "Time of a batch's transaction", _COMMIT, "work"
        )
        self._waits = histogram(
            "queue_seconds", "Longest wait of a batch's members for it", _COMMIT, "work"
        )
        self._begun = histogram(
            "dispatch_seconds", "From a webhook's commit to its first attempt", _WAY, "kind"
        )
        self._arrived = histogram(
            "delivered_seconds", "From a webhook's commit to its delivery", _WAY, "kind"
        )
        self._lag = histogram("loop_lag_seconds", "Lateness of the event loop", _LAG)

    def committed(self, work: str, ran: Ran[Any]) -> None:
        """Count a batch of a kind of work."""
        self._commits.observe(ran.ended - ran.began, work)
        self._waits.observe(ran.began - min(ran.waited_since), work)

    def attempted(self, result: AttemptResult) -> None:
        """Count the way of a webhook, whatever this process's clock says.

        Until its lease by the database's clock, from there by the attempt's own stopwatch.
        """
        leased, kind = result.leased, result.leased.kind.value
        began = max(0, leased.leased_at - leased.created_at)  # 0: after a failover to another clock
        if leased.number == 1:
            self._begun.observe(began / SECOND, kind)
        if result.verdict.decision in _DELIVERED:
            took = began + result.answer.milliseconds * MILLISECOND
            self._arrived.observe(took / SECOND, kind)

    def lagged(self, seconds: float) -> None:
        """Count how late the event loop was."""
        self._lag.observe(seconds)
