"""Exchanges are counted by the commits that make and end them, whoever's call it was: each once."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from hundi.exchange.verdict import Decision
from hundi.store.engine import RetryableError, Transaction
from hundi.web.metrics import ACCEPT
from tests.exchange.scene import Scene
from tests.exchange.slips import slip
from tests.exchange.test_withdrawal import CANCEL
from tests.web.conftest import Net, bearer
from tests.web.counted import check_counted
from tests.web.test_network import V1


@pytest.fixture
async def counted(net: Net) -> Net:
    """The scene's acceptances are counted by the metrics of its HTTP face."""
    net.stage.watches.append(partial(net.context.metrics.committed, ACCEPT))
    return net


async def left(net: Net) -> dict[str, int]:
    """What is counted once everything is delivered; it is what the database has."""
    await net.stage.deliver_all()
    net.context.metrics.ended(net.stage.entered)
    net.stage.entered.clear()
    return dict(await check_counted(net.context.metrics, net.stage.database))


async def proposed(stage: Scene) -> None:
    """An edit that the supplier has not answered."""
    await stage.sent()
    await stage.submit("req-edit", slip("S1", new=2, source="SENT", target="SENT"))


async def test_a_proposal_that_its_sender_s_withdrawal_goes_over_is_counted(counted: Net) -> None:
    await proposed(counted.stage)
    await counted.stage.submit("req-change", slip("S1", **CANCEL), key="k")
    await counted.stage.submit("req-change", slip("S1", **CANCEL), key="k")  # it ends nothing more
    told = await left(counted)
    assert (told["ABANDONED"], told["OPEN"], sum(told.values()) - told["OPEN"]) == (1, 3, 3)


async def test_it_is_counted_once_though_its_batch_is_done_again(counted: Net) -> None:
    await proposed(counted.stage)
    commit: Any = counted.stage.road._commit
    accept, runs = commit._work, []

    async def stopped_once(tx: Transaction, requests: Sequence[Any]) -> Sequence[Any]:
        outcomes: Sequence[Any] = await accept(tx, requests)
        runs.append(outcomes)
        if len(runs) == 1:
            raise RetryableError("another transaction stood in its way")
        return outcomes

    commit._work = stopped_once
    await counted.stage.submit("req-change", slip("S1", **CANCEL))
    assert [one.abandoned for [one] in runs] == [1, 1]
    assert (await left(counted))["ABANDONED"] == 1


async def test_what_is_given_up_is_counted_once_under_its_key(counted: Net) -> None:
    sent = await counted.stage.submit("req-send", slip("S1"))
    headers = bearer("buyer") | {"idempotency-key": "k"}
    for _ in range(2):
        told = await counted.calls.post(f"{V1}/exchanges/{sent}/abandon", headers=headers)
        assert told.status_code == 200
    assert (await left(counted))["ABANDONED"] == 1


async def test_a_late_answer_ends_nothing_and_is_not_counted(counted: Net) -> None:
    stage = counted.stage
    await stage.submit("req-send", slip("S1"))
    leased = await stage.lease()
    await stage.finish(leased, Decision.DECLINED)
    await stage.finish(leased)
    assert await left(counted) == {"OPEN": 1, "DECLINED": 1}
