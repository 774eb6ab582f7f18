"""Withdrawing over an open proposal: its sender may, and nobody else."""

import sqlalchemy as sa

from hundi.exchange.request import Refused, read_request
from hundi.parties import tables as parties
from tests.exchange.scene import Scene
from tests.exchange.slips import SUPPLIER, slip

CANCEL = {"action": "CANCEL", "source": "SENT", "target": "CANCELLED"}


async def _withdraw(stage: Scene, **members: object) -> object:
    body = slip("S1", **(CANCEL | members))
    message = stage.messages["req-change"]
    return await stage.road.submit(
        read_request(message, body, client_id="buyer", idempotency_key=None)
    )


async def test_a_sender_withdraws_over_its_own_proposal(stage: Scene) -> None:
    await stage.sent()
    await stage.submit("req-edit", slip("S1", new=2, source="SENT", target="SENT"))
    assert not isinstance(await _withdraw(stage), Refused)


async def test_a_client_of_both_parties_does_not_withdraw_over_the_other_one_s(
    stage: Scene,
) -> None:
    """The supplier's acceptance is the supplier's, though one client speaks for both."""
    ids = parties.b2b_id
    await stage.execute(sa.update(ids).where(ids.c.b2b_id == SUPPLIER).values(client_id="buyer"))
    await stage.sent()
    confirmation = slip("S1", action="ACCEPT", source="SENT", target="AGREED")
    accepting = await stage.submit("req-confirm", confirmation, client_id="buyer")
    told = await _withdraw(stage)
    assert isinstance(told, Refused)
    busy = {"reqMsgId": accepting, "version": 1}
    assert (told.faults[0].code, told.faults[0].context) == ("DOC-BUSY", busy)
