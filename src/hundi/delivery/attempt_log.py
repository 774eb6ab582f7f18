"""Log lines about attempts: those that went well at debug, failed ones at info, given up ones louder."""

import logging

import structlog

from hundi.exchange.leases import Leased
from hundi.exchange.outbox import AttemptResult
from hundi.exchange.verdict import Decision
from hundi.observing.traceparent import trace_of

_FAILED = {Decision.FAILED, Decision.GONE}
# Asked first: to put a line together costs more than to see that nobody wants it.
_level = logging.getLogger(__name__)
_log = structlog.get_logger()


def named(leased: Leased) -> dict[str, object]:
    """What every line about a webhook says of it."""
    told: dict[str, object] = {
        "reqMsgId": leased.req_msg_id,
        "webhook": leased.webhook_id,
        "attempt": leased.number,
        "client": leased.client_id,
    }
    if leased.trace is not None:
        told["trace_id"] = trace_of(leased.trace)
    return told


def log_attempt(result: AttemptResult) -> None:
    """Tell how an attempt ended. A receiver's own words stay in the attempt's row."""
    if result.parks:
        _log.warning("webhook-parked", **_told(result))
    elif result.verdict.decision in _FAILED:
        _log.info("attempt-failed", **_told(result))
    elif _level.isEnabledFor(logging.DEBUG):
        _log.debug("attempt", **_told(result))


def _told(result: AttemptResult) -> dict[str, object]:
    answer = result.answer
    return {
        **named(result.leased),
        "kind": result.leased.kind.value,
        "outcome": result.verdict.decision.value,
        "status": answer.status,
        "milliseconds": answer.milliseconds,
        "reached": answer.reached,
        "error": answer.error,
    }
