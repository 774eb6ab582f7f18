"""A document that the counterparty's system has declined to hold: it may be read, and told of."""

from hundi.exchange.closing import unanswered
from hundi.exchange.record import State
from hundi.exchange.request import Refused, read_request
from hundi.exchange.verdict import Decision
from hundi.kernel.faults import Fault
from tests.exchange.scene import Scene
from tests.exchange.slips import STRANGER, slip

AGREED = {"action": "ACCEPT", "target": "AGREED"}


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
    assert (told.code, told.context) == ("DOC-BUSY", {"reqMsgId": again, "version": 1})


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
