"""The span of an attempt: below its exchange's acceptance, in whatever process that was."""

from urllib.parse import urlsplit

from hundi.delivery.stopwatch import Stopwatch
from hundi.exchange.leases import Leased
from hundi.exchange.outbox import AttemptResult
from hundi.exchange.verdict import Decision
from hundi.observing.spans import Role, Span, Traces

_FAILED = {Decision.FAILED, Decision.GONE}


def begin(traces: Traces, leased: Leased) -> Span:
    """The span of an attempt that starts now."""
    return traces.begin(
        f"attempt {leased.kind.value}",
        role=Role.CLIENT,
        below=leased.trace,
        attributes={
            "hundi.req_msg_id": leased.req_msg_id,
            "hundi.webhook_id": leased.webhook_id,
            "hundi.attempt": leased.number,
            "hundi.client_id": leased.client_id,
            "http.request.method": "POST",
            # The host alone: the path of an endpoint may hold a secret of its owner's.
            "server.address": _host(leased),
        },
    )


def end(traces: Traces, span: Span, result: AttemptResult, *, watch: Stopwatch | None) -> None:
    """It has ended so, and its time went there."""
    for name, began, ended in watch.laps() if watch is not None else ():
        traces.begin(name, below=span.context, at=began).end(at=ended)
    answer, decision = result.answer, result.verdict.decision
    told: dict[str, str | int | bool] = {
        "hundi.outcome": decision.value,
        "hundi.reached": answer.reached,
        "hundi.parked": result.parks,
    }
    if answer.status is not None:
        told["http.response.status_code"] = answer.status
    span.tell(told)
    span.end(failed=(answer.error or decision.value) if decision in _FAILED else "")


def _host(leased: Leased) -> str:
    url = leased.row["endpoint_url"] if leased.row is not None else None
    return urlsplit(url).hostname or "" if url else ""
