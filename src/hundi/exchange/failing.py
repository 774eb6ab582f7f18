"""Exchanges that fail at an endpoint, each counted once.

An exchange that is given up brings its receiver a second webhook, the word of its end, and a redrive
begins the schedule anew: neither makes two failed exchanges of one.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hundi.kernel.clock import SECOND
from hundi.kernel.identity import receiver_copy_id, response_id
from hundi.store.engine import Transaction
from hundi.store.statement import Statement, encoded, rows

_SLACK = SECOND  # the database's clock wrote the one, the dispatcher's the other
_BEFORE = (
    " where not exists (select 1 from delivery d join attempt a on a.webhook_id = d.webhook_id"
    " where d.webhook_id {webhooks} and d.client_id = v.client_id"
    " and a.outcome in ('FAILED', 'GONE')"
    f" and a.ended_at >= coalesce(v.success_at, c.failing_since - {_SLACK})"
    " and (a.webhook_id || '/' || a.number) not in ({attempts}))"
)
_NEW = Statement(
    postgresql="select v.client_id from "
    + rows("client_id text, webhooks jsonb, success_at bigint, attempts jsonb")
    + " v join client c on c.client_id = v.client_id"
    + _BEFORE.format(
        # `in` would have the planner go through all attempts.
        webhooks="= any(array(select jsonb_array_elements_text(v.webhooks)))",
        attempts="select jsonb_array_elements_text(v.attempts)",
    ),
    sqlite="select v.client_id from (select json_extract(value, '$[0]') as client_id,"
    " json_extract(value, '$[1]') as webhooks, json_extract(value, '$[2]') as success_at,"
    " json_extract(value, '$[3]') as attempts from json_each(?1)) v"
    " join client c on c.client_id = v.client_id"
    + _BEFORE.format(
        webhooks="in (select value from json_each(v.webhooks))",
        attempts="select value from json_each(v.attempts)",
    ),
)


class Failing(NamedTuple):
    """An exchange that a client's endpoint did not take; `attempts` are the failed ones not yet counted.

    `success_at` is when the endpoint took something since the last count: what failed before is past.
    """

    client_id: str
    req_msg_id: str
    success_at: int | None
    attempts: Sequence[str]


def attempt_name(webhook_id: str, number: int) -> str:
    """How `Failing.attempts` names one attempt."""
    return f"{webhook_id}/{number}"


async def newly_failing(tx: Transaction, failing: Sequence[Failing]) -> Counter[str]:
    """How many of these had not failed before, since the endpoint last took something; by client."""
    if not failing:
        return Counter()
    asked = [(f.client_id, _webhooks(f.req_msg_id), f.success_at, f.attempts) for f in failing]
    found = await tx.fetch(_NEW, encoded(asked).decode())
    return Counter(row["client_id"] for row in found)


def _webhooks(req_msg_id: str) -> tuple[str, ...]:
    return req_msg_id, response_id(req_msg_id), receiver_copy_id(req_msg_id)
