"""What /metrics tells: counted once, asked of the database seldom, nothing that a caller invents."""

import msgspec
import pytest
import sqlalchemy as sa

from hundi.delivery.verdicts import NO_ENDPOINT, NOT_OPENED, NOT_OPENED_VERDICT
from hundi.exchange import queries, tables
from hundi.exchange.outbox import AttemptResult
from hundi.exchange.record import State, stored_name
from hundi.exchange.request import Accepted, Refused
from hundi.exchange.verdict import Answer, Decision, Kind, Verdict, judge
from hundi.kernel.clock import HOUR, MINUTE, SECOND, wall_clock
from hundi.parties import tables as parties
from hundi.store.again import AGAIN
from hundi.store.ran import Ran
from hundi.web import metrics as telling
from hundi.web.metrics import ACCEPT, ONBOARDING, SETTLE, Metrics
from tests.exchange.scene import Scene
from tests.exchange.slips import slip
from tests.web.conftest import Net
from tests.web.counted import values

COLUMNS_OF_TIME = "update delivery set due_at = due_at - :by"


def accepted(state: State, *, replayed: bool = False) -> Accepted:
    return Accepted(
        req_msg_id="MSG0", response=b"", warnings="[]", state=state.value, replayed=replayed
    )


async def test_acks_are_counted_by_message_and_result(stage: Scene) -> None:
    metrics = Metrics(stage.database)
    send = stored_name(stage.messages["req-send"])
    metrics.accepted(send, accepted(State.OPEN), microseconds=3_000)
    metrics.accepted(send, accepted(State.SETTLED), microseconds=30_000)
    metrics.accepted(send, accepted(State.SETTLED, replayed=True), microseconds=1)
    found = await values(metrics)
    for result in ("PENDING", "SUCCESS", "REPLAYED"):
        assert found[f'hundi_acks_total{{message="slip/req-send",result="{result}"}}'] == 1
    assert not [name for name in found if name.startswith("hundi_exchanges_total")]
    assert found['hundi_ack_seconds_bucket{le="0.005"}'] == 2
    assert found["hundi_ack_seconds_count"] == 3


def committed(*outcomes: object) -> Ran[object]:
    return Ran([None] * len(outcomes), [1.0] * len(outcomes), began=1, ended=2, outcomes=outcomes)


async def test_exchanges_are_counted_by_the_commit_that_makes_them(stage: Scene) -> None:
    metrics = Metrics(stage.database)
    batch = [accepted(State.OPEN), accepted(State.SETTLED), accepted(State.SETTLED, replayed=True)]
    metrics.committed(ACCEPT, committed(*batch, AGAIN, Refused(())))
    metrics.committed(SETTLE, committed(None))
    found = await values(metrics)
    assert found['hundi_exchanges_total{state="OPEN"}'] == 1
    assert found['hundi_exchanges_total{state="SETTLED"}'] == 1


async def test_a_call_that_is_declined_at_once_is_counted_so(stage: Scene) -> None:
    metrics = Metrics(stage.database)
    metrics.committed(ONBOARDING, committed(accepted(State.DECLINED)))
    found = await values(metrics)
    assert found['hundi_exchanges_total{state="DECLINED"}'] == 1
    assert 'hundi_exchanges_total{state="SETTLED"}' not in found


async def test_a_receipt_counts_its_exchanges(stage: Scene) -> None:
    metrics = Metrics(stage.database)
    send = stored_name(stage.messages["req-send"])
    told = {"req_msg_id": "MSG0", "response": b"", "warnings": "[]", "exchanges": 3}
    waits = Accepted(**told, state="OPEN", replayed=False, waiting=2)
    again = Accepted(**told, state="ENDED", replayed=True)
    metrics.accepted(send, again, microseconds=1)
    metrics.committed(ACCEPT, committed(waits, again))
    found = await values(metrics)
    assert found['hundi_exchanges_total{state="OPEN"}'] == 2
    assert found['hundi_exchanges_total{state="SETTLED"}'] == 1
    assert found['hundi_acks_total{message="slip/req-send",result="REPLAYED"}'] == 1


@pytest.mark.parametrize(
    "decision", [Decision.SETTLED, Decision.DECLINED, Decision.FAILED, Decision.ASK_AGAIN]
)
async def test_attempts_are_counted_by_kind_and_outcome(stage: Scene, decision: Decision) -> None:
    metrics = Metrics(stage.database)
    await stage.submit("req-send", slip())
    [leased] = await stage.lease()
    answer = Answer(
        status=200, body=b"", retry_after=None, milliseconds=40, reached=True, error=None
    )
    verdict = Verdict(decision=decision, reason="")
    result = AttemptResult(leased=leased, answer=answer, verdict=verdict, wait=0, parks=False)
    metrics.attempted(result, 0)
    found = await values(metrics)
    assert found[f'hundi_deliveries_total{{kind="REQ",outcome="{decision.value}"}}'] == 1
    assert found['hundi_attempt_seconds_bucket{le="0.05"}'] == 1
    assert f'hundi_exchanges_total{{state="{decision.value}"}}' not in found  # a late one ends none


async def test_a_secret_that_cannot_be_opened_is_told_from_the_first_on(stage: Scene) -> None:
    metrics = Metrics(stage.database)
    assert (await values(metrics))["hundi_secrets_not_opened_total"] == 0
    await stage.submit("req-send", slip())
    [leased] = await stage.lease()
    gone = judge(NO_ENDPOINT, kind=Kind.REQUEST, req_msg_id="", empty_means_success=False)
    for answer, verdict in ((NOT_OPENED, NOT_OPENED_VERDICT), (NO_ENDPOINT, gone)):
        result = AttemptResult(leased=leased, answer=answer, verdict=verdict, wait=0, parks=False)
        metrics.attempted(result, 0)
    found = await values(metrics)
    assert found["hundi_secrets_not_opened_total"] == 1
    assert found['hundi_deliveries_total{kind="REQ",outcome="UNSENT"}'] == 1


async def test_the_ends_of_exchanges_are_counted_by_state(stage: Scene) -> None:
    metrics = Metrics(stage.database)
    metrics.ended({"EXPIRED": 2, "SETTLED": 1})
    found = await values(metrics)
    assert found['hundi_exchanges_total{state="EXPIRED"}'] == 2
    assert found['hundi_exchanges_total{state="SETTLED"}'] == 1


async def test_the_way_of_a_webhook_goes_by_one_clock(stage: Scene) -> None:
    metrics = Metrics(stage.database)
    await stage.submit("req-send", slip())
    [leased] = await stage.lease()
    leased = msgspec.structs.replace(leased, leased_at=leased.created_at + 2 * SECOND)
    answer = Answer(
        status=200, body=b"", retry_after=None, milliseconds=500, reached=True, error=None
    )
    verdict = Verdict(decision=Decision.SETTLED, reason="")
    result = AttemptResult(leased=leased, answer=answer, verdict=verdict, wait=0, parks=False)
    metrics.attempted(result, leased.created_at + HOUR)  # this process's clock is an hour ahead
    found = await values(metrics)
    assert found['hundi_dispatch_seconds_sum{kind="REQ"}'] == 2
    assert found['hundi_delivered_seconds_sum{kind="REQ"}'] == 2.5


async def test_the_outbox_is_asked_of_the_database_and_not_at_every_scrape(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "REFRESH_SECONDS", 60)
    stage, metrics = net.stage, net.context.metrics
    await stage.submit("req-send", slip("S1"))
    await stage.submit("req-send", slip("S2"))
    await stage.lease()
    await stage.submit("req-send", slip("S3"))
    late = sa.text(COLUMNS_OF_TIME).bindparams(by=MINUTE)
    await stage.execute(late)
    found = await values(metrics)
    told = {
        state: found[f'hundi_outbox_deliveries{{state="{state}"}}']
        for state in ("QUEUED", "LEASED", "PARKED")
    }
    assert told == {"QUEUED": 1, "LEASED": 2, "PARKED": 0}
    assert 60 <= found["hundi_outbox_oldest_due_seconds"] < 90
    assert found["hundi_exchanges_open"] == 3
    await stage.submit("req-send", slip("S4"))
    assert (await values(metrics))["hundi_exchanges_open"] == 3
    metrics._asked -= 60
    assert (await values(metrics))["hundi_exchanges_open"] == 4


async def test_what_waits_for_a_disabled_endpoint_is_not_late(net: Net) -> None:
    """It would be for days, and somebody woken for it."""
    stage, metrics = net.stage, net.context.metrics
    await stage.sent("S1")
    await stage.submit("req-send", slip("S2"))
    await stage.execute(sa.text(COLUMNS_OF_TIME).bindparams(by=HOUR))
    assert (await values(metrics))["hundi_outbox_oldest_due_seconds"] >= 3600
    c = parties.client
    await stage.execute(sa.update(c).where(c.c.client_id == "supplier").values(disabled_at=1))
    metrics._asked -= 5
    found = await values(metrics)
    assert found["hundi_outbox_oldest_due_seconds"] == 0
    assert found['hundi_outbox_deliveries{state="QUEUED"}'] == 1
    waits = sa.update(tables.delivery).where(tables.delivery.c.client_id == "buyer")
    await stage.execute(waits.values(state="QUEUED", due_at=sa.text("due_at - 60000000")))
    metrics._asked -= 5
    assert (await values(metrics))["hundi_outbox_oldest_due_seconds"] >= 60


async def test_how_long_an_endpoint_fails_and_how_often_promises_are_checked(stage: Scene) -> None:
    metrics = Metrics(stage.database)
    metrics.watches_promises(2 * HOUR)
    since = wall_clock() - HOUR
    c = parties.client
    for name, change in {
        "supplier": {"failing_since": since},
        "stranger": {"failing_since": 1, "disabled_at": 2},  # it has an alert of its own
    }.items():
        await stage.execute(sa.update(c).where(c.c.client_id == name).values(**change))
    found = await values(metrics)
    assert 3600 <= found["hundi_endpoints_failing_seconds"] < 3700
    assert found["hundi_invariants_interval_seconds"] == 7200


@pytest.mark.logs("unexpected")
async def test_a_fault_of_ours_is_counted_from_zero(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rate needs the figure before the first one."""
    series = 'hundi_refusals_total{code="HTTP-INTERNAL",status="500"}'
    assert (await values(net.context.metrics))[series] == 0

    async def broken(*_: object, **__: object) -> None:
        raise KeyError

    monkeypatch.setattr(queries, "documents", broken)
    answer = await net.get("/network/v1/documents")
    assert answer.status_code == 500
    assert (await values(net.context.metrics))[series] == 1


async def test_breakers_and_batches_are_told(stage: Scene) -> None:
    metrics = Metrics(stage.database)
    metrics.watch_breakers(lambda: 3)
    metrics.committed(ACCEPT, Ran(range(20), [1.0] * 20, began=2, ended=2.02, outcomes=[None] * 20))
    found = await values(metrics)
    assert found["hundi_breakers_open"] == 3
    assert found['hundi_batch_size_bucket{le="16.0"}'] == 0
    assert found['hundi_batch_size_bucket{le="32.0"}'] == 1


async def test_nobody_is_named(net: Net) -> None:
    await net.stage.sent()
    await net.get("/network/v1/documents/BUYER@BCB/SUPPLIER@BCB")
    await net.get("/BUYER@BCB")
    response = await net.calls.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "hundi_refusals_total" in response.text
    assert "BCB" not in response.text
