"""Who hears of a committed batch: the metrics, and the traces of its members where there are any."""

from collections.abc import Callable
from functools import partial
from typing import Any

from hundi.observing.spans import Traces
from hundi.store.batch_spans import BatchSpans
from hundi.store.ran import Ran
from hundi.web.metrics import ACCEPT, Metrics

_SPANS = {ACCEPT: "commit"}


def batch_watch(work: str, metrics: Metrics, traces: Traces | None) -> Callable[[Ran[Any]], None]:
    """Tells of the batches of one kind of work."""
    count = partial(metrics.committed, work)
    if traces is None:
        return count
    spans = BatchSpans(traces, _SPANS.get(work, work))

    def watch(ran: Ran[Any]) -> None:
        count(ran)
        spans.tell(ran)

    return watch
