"""A document that the counterparty's system has declined to hold: it may be read, and told of."""

import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.closing import unanswered
from hundi.exchange.record import State
from hundi.exchange.request import Refused, read_request
from hundi.exchange.verdict import Decision
from hundi.kernel.clock import to_text
from hundi.kernel.faults import Fault
from tests.exchange.scene import Scene
from tests.exchange.slips import STRANGER, slip
from tests.exchange.test_queries import read

AGREED = {"action": "ACCEPT", "target": "AGREED"}
UNKNOWN = sa.null()


async def _refused(stage: Scene, client_id: str, **members: object) -> Fault:
    body = slip(**(AGREED | members))
    message = stage.messages["req-confirm"]
    request = read_request(message, body, client_id=client_id, idempotency_key=None)
    outcome = await stage.road.submit(request)
    assert isinstance(outcome, Refused)
    [fault] = outcome.faults
    return fault


async def test_who_declined_a_document_is_told_where_it_stands(stage: Scene) -> None:
    sent = await stage.submit("req-send", slip())
    await stage.decline()
    stale = await _refused(stage, "supplier", source="SENT")
    assert (stale.code, stale.path) == ("DOC-STALE-STATUS", "slip.transition.currentStatus")
    assert stale.context["status"] == "CREATED"
    assert stale.context["missed"]["reqMsgId"] == sent  # type: ignore[index]
    assert (await _refused(stage, "supplier")).code == "DOC-NO-MOVE"


async def test_a_repeat_that_has_not_left_is_busy_for_who_declined_the_first(stage: Scene) -> None:
    await stage.submit("req-send", slip())
    await stage.decline()
    again = await stage.submit("req-send", slip(number="OTHER"))
    told = await _refused(stage, "supplier")
    assert (told.code, told.context) == ("DOC-BUSY", {"reqMsgId": again})


async def test_nobody_else_learns_of_it(stage: Scene) -> None:
    await stage.submit("req-send", slip())
    told = await _refused(stage, "supplier")
    assert told.code == "DOC-UNKNOWN", "it has not left yet"
    await stage.finish(await stage.lease(), Decision.DECLINED, reached=True)
    told = await _refused(stage, "stranger", supplier=STRANGER)
    assert told.code == "DOC-UNKNOWN"


async def test_an_attempt_that_did_not_reach_tells_nothing(stage: Scene) -> None:
    await stage.submit("req-send", slip())
    await stage.fail(reached=False)
    assert (await _refused(stage, "supplier")).code == "DOC-UNKNOWN"


async def test_what_never_left_is_not_what_was_missed(stage: Scene) -> None:
    await stage.sent()
    edit = slip(source="SENT", target="SENT", current=1, new=2)
    settled = await stage.submit("req-edit", edit)
    await stage.deliver_all()
    unsent = await stage.submit("req-edit", slip(source="SENT", target="SENT", current=2, new=3))
    await stage.fail(reached=False)
    ending = unanswered(unsent, State.ABANDONED)
    await stage.database.write(lambda tx: stage.road.settler.end(tx, [ending]))
    stale = await _refused(stage, "supplier", source="SENT", current=1, new=1)
    missed = stale.context["missed"]
    assert isinstance(missed, dict)
    assert (missed["reqMsgId"], missed["kind"]) == (settled, "SETTLED")


async def _at(stage: Scene, req_msg_id: str, step: str) -> str:
    """When an exchange took a step, as the journal has it."""
    row = tables.journal.c
    query = sa.select(row.at).where(row.req_msg_id == req_msg_id, row.step == step)
    [found] = await stage.rows(query)
    return to_text(int(str(found["at"])))


async def _edit(stage: Scene, *, after: int = 1) -> str:
    edit = slip(source="SENT", target="SENT", current=after, new=after + 1)
    return await stage.submit("req-edit", edit)


async def _missed(stage: Scene) -> object:
    """What a stale request hears, and a reader of the document alike."""
    shown = await read(stage, "buyer")
    version = shown["version"]
    stale = await _refused(stage, "supplier", source="CREATED", current=version, new=version)
    assert stale.context["missed"] == shown["missed"]
    return shown["missed"]


async def test_what_was_declined_later_does_not_move_the_time_of_the_change(stage: Scene) -> None:
    await stage.sent()
    settled = await _edit(stage)
    await stage.deliver_all()
    change = {"reqMsgId": settled, "kind": "SETTLED", "at": await _at(stage, settled, "SETTLED")}
    assert await _missed(stage) == change
    declined = await _edit(stage, after=2)
    await stage.decline()
    assert await _missed(stage) == change
    assert (await read(stage, "buyer"))["updatedAt"] == await _at(stage, declined, "DECLINED")


async def test_a_document_of_before_keeps_the_time_that_it_told(stage: Scene) -> None:
    """Its last step's: the change's own, where nothing was declined in between."""
    sent = await stage.sent()
    await stage.execute(sa.update(tables.document).values(last_at=UNKNOWN, last_at_head=UNKNOWN))
    change = {"reqMsgId": sent, "kind": "SETTLED", "at": await _at(stage, sent, "SETTLED")}
    assert await _missed(stage) == change
    await _edit(stage)
    await stage.decline()
    assert await _missed(stage) == change


@pytest.mark.parametrize("later", [False, True])
async def test_a_change_by_a_process_of_before_has_its_own_time(stage: Scene, later: bool) -> None:
    """It writes what it knows of: of a change that today's had written, the time stays behind."""
    await stage.sent()
    row = tables.document.c
    known = await stage.rows(sa.select(row.last_at, row.last_at_head))
    settled = await _edit(stage)
    await stage.deliver_all()
    await stage.execute(sa.update(tables.document).values(known[0]))
    if later:
        await _edit(stage, after=2)
        await stage.decline()
    at = await _at(stage, settled, "SETTLED")
    assert await _missed(stage) == {"reqMsgId": settled, "kind": "SETTLED", "at": at}
