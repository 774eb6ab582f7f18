"""Bad input from anyone gets its own code and path, and loses nothing."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import jsonschema
import pytest
import sqlalchemy as sa
import yaml

from hundi.exchange import tables
from hundi.parties import tables as parties
from hundi.simulator import story
from tests.web.orders import Desk, desk, named

CONTRACT = yaml.safe_load(
    (Path(__file__).parents[2] / "contract" / "b2b-purchase-order.yaml").read_text()
)
ERROR = {**CONTRACT, "$ref": "#/components/schemas/ErrorEnvelope"}
SENT, ACCEPTED = "SENT TO SUPPLIER", "ACCEPTED"


@pytest.fixture
async def there(database_url: str) -> AsyncIterator[Desk]:
    """A network on which order PO1 was sent and is at version 1."""
    async with desk(database_url) as made:
        answer = await made.send("req-send", named(story.order()))
        assert answer.status_code == 200, answer.text
        yield made


def send(**changes: object) -> dict:
    """A fresh order with some members changed."""
    body = named(story.order(), "PO2", "N/2")
    body["purchaseOrder"].update(changes)
    return body


def edit(current: int, new: int, status: str = SENT) -> dict:
    body = named(story.order(2, current_version=current, current_status=status))
    body["purchaseOrder"]["objectVersion"]["newVersion"] = new
    return body


def confirm(*, version: int = 1, status: str = SENT, target: str = ACCEPTED) -> dict:
    body = named(story.confirmation("ACCEPT", version=version, target=target, remarks="yes"))
    body["poConfirmation"]["poStatusTransition"]["currentStatus"] = status
    return body


def close() -> dict:
    return named(
        story.status_change("CLOSE", version=1, source=SENT, target="CLOSED", remarks="done")
    )


def between(body: dict, **ids: str) -> dict:
    body["b2bIds"].update(ids)
    return body


RAW = story.dumps(send())
SHAPES = [
    pytest.param(b"{", "SHAPE-JSON", id="malformed"),
    pytest.param(b"[]", "SHAPE-OBJECT", id="not an object"),
    pytest.param(RAW.replace(b"N/2", b"\xc0\xaf"), "SHAPE-UTF8", id="bad UTF-8"),
    pytest.param(RAW.replace(b"N/2", b"N\\u0000"), "SHAPE-NUL", id="NUL"),
    pytest.param(RAW.replace(b"N/2", b"N\\ud800"), "SHAPE-UTF8", id="half a pair"),
    pytest.param(RAW.replace(b"CREATED", b"\\udfff"), "SHAPE-UTF8", id="half a pair, told back"),
    pytest.param(RAW.replace(b'"b2bIds"', b'"b2bIds":{},"b2bIds"'), "SHAPE-DUPLICATE", id="twice"),
    pytest.param(RAW.replace(b"3000.000", b"NaN"), "SHAPE-NAN", id="NaN"),
    pytest.param(RAW.replace(b"3000.000", b"1E+999999999"), "SHAPE-NUMBER", id="huge number"),
    pytest.param(RAW.replace(b"3000.000", b'"3000"'), "SHAPE-TYPE", id="quoted number"),
    pytest.param(b'{"a":' * 200 + b"1" + b"}" * 200, "SHAPE-DEPTH", id="deep"),
    pytest.param(RAW.replace(b'"PO2"', b'"."'), "SHAPE-PATTERN", id="an id that is a dot"),
    pytest.param(RAW.replace(b'"PO2"', b'".."'), "SHAPE-PATTERN", id="an id of two dots"),
    pytest.param(RAW.replace(b'"device"', b'"devise"'), "SHAPE-MISSING", id="missing"),
    pytest.param(RAW.replace(b'{"', b'{"devise":1,"', 1), "SHAPE-UNKNOWN", id="unknown"),
]


@pytest.mark.parametrize(("raw", "code"), SHAPES)
async def test_a_wrong_shape_is_told_and_stores_nothing(there: Desk, raw: bytes, code: str) -> None:
    answer = await there.send("req-send", raw)
    assert answer.status_code == 400
    told = answer.json()
    jsonschema.validate(told, ERROR)
    codes = {c.name for c in _shape_codes()}
    assert {f["code"] for f in told["payload"]["faults"]} <= codes
    assert told["payload"]["resp"]["errorCd"] == code
    assert await _orders(there) == ["PO1"]


REFUSED: list[tuple[str, str, Callable[[], dict], str, int, str, str]] = [
    ("exists", "req-send", lambda: named(story.order()), "buyer", 409, "DOC-EXISTS",
     "purchaseOrder.objectId"),
    ("number used", "req-send", lambda: send(buyerPONumber="N/1"), "buyer", 409,
     "DOC-NUMBER-USED", "purchaseOrder.buyerPONumber"),
    ("first version", "req-send",
     lambda: send(objectVersion={"currentVersion": 2, "newVersion": 2}), "buyer", 409,
     "DOC-STALE-VERSION", "purchaseOrder.objectVersion.currentVersion"),
    ("stale version", "req-edit", lambda: edit(7, 8), "buyer", 409, "DOC-STALE-VERSION",
     "purchaseOrder.objectVersion.currentVersion"),
    ("stale status", "req-confirm", lambda: confirm(status="UNDER REVIEW"), "supplier", 409,
     "DOC-STALE-STATUS", "poConfirmation.poStatusTransition.currentStatus"),
    ("next version", "req-edit", lambda: edit(1, 5), "buyer", 409, "DOC-NEXT-VERSION",
     "purchaseOrder.objectVersion.newVersion"),
    ("no move", "req-status-change", close, "buyer", 409, "DOC-NO-MOVE",
     "poStatus.poStatusTransition.currentStatus"),
    ("wrong target", "req-confirm", lambda: confirm(target="REJECTED"), "supplier", 422,
     "DOC-WRONG-TARGET", "poConfirmation.poStatusTransition.newStatus"),
    ("foreign order", "req-confirm",
     lambda: between(confirm(), supplierB2BId="stranger"), "stranger", 404, "DOC-UNKNOWN",
     "poConfirmation.objectId"),
    ("unknown order", "req-confirm",
     lambda: named(confirm(), "PO9", "N/9"), "supplier", 404, "DOC-UNKNOWN",
     "poConfirmation.objectId"),
    ("wrong role", "req-confirm", confirm, "buyer", 403, "PARTY-WRONG-ROLE",
     "b2bIds.supplierB2BId"),
    ("as another's ID", "req-send", send, "stranger", 403, "PARTY-NOT-YOURS",
     "b2bIds.buyerB2BId"),
    ("unknown party", "req-send",
     lambda: between(send(), supplierB2BId="NOBODY@BCB"), "buyer", 404, "PARTY-UNKNOWN",
     "b2bIds.supplierB2BId"),
    ("other parties", "req-edit",
     lambda: between(edit(1, 2), supplierB2BId="stranger"), "buyer", 409, "DOC-PARTIES", "b2bIds"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[0])
async def test_a_request_that_cannot_stand_is_told_why(
    there: Desk, case: tuple[str, str, Callable[[], dict], str, int, str, str]
) -> None:
    _, message, make, client_id, status, code, path = case
    body = make()
    ids = body["b2bIds"]
    if ids["supplierB2BId"] == "stranger":
        ids["supplierB2BId"] = _served("stranger")
    answer = await there.send(message, body, client_id=client_id)
    told = answer.json()
    jsonschema.validate(told, ERROR)
    assert (answer.status_code, told["response_code"]) == (status, status)
    faults = {(f["code"], f["path"]) for f in told["payload"]["faults"]}
    assert (code, path) in faults
    assert await _orders(there) == ["PO1"]


async def test_a_stale_sender_is_told_what_it_missed(there: Desk) -> None:
    answer = await there.send("req-edit", edit(7, 8))
    [fault] = answer.json()["payload"]["faults"]
    assert fault["context"]["version"] == 1
    assert fault["context"]["missed"]["kind"] == "SETTLED"


async def test_a_party_that_is_switched_off_takes_no_new_requests(there: Desk) -> None:
    await there.stage.execute(sa.update(parties.b2b_id).values(active=False))
    answer = await there.send("req-send", send())
    assert answer.status_code == 422
    assert answer.json()["payload"]["resp"]["errorCd"] == "PARTY-INACTIVE"


async def test_a_busy_order_says_with_what_and_when_to_ask_again(database_url: str) -> None:
    async with desk(database_url, mailbox=None) as made:
        sent = await made.send("req-send", named(story.order()))
        answer = await made.send("req-send", named(story.order()))
        resp = sent.json()["payload"]["resp"]
        [fault] = answer.json()["payload"]["faults"]
        assert (answer.status_code, answer.headers["retry-after"]) == (409, "1")
        assert fault["code"] == "DOC-BUSY"
        assert fault["context"]["reqMsgId"] == resp["reqMsgId"]
        unseen = await made.send("req-confirm", confirm(), client_id="supplier")
        assert unseen.status_code == 404, "the supplier knows nothing of it yet"


async def test_one_key_one_request(there: Desk) -> None:
    key = {"idempotency-key": "k-1"}
    first = await there.send("req-send", send(), headers=key)
    again = await there.send("req-send", send(), headers=key)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["hundi-exchange-state"] == "SETTLED"
    for other in (story.dumps(send(subject="other")), b"{"):
        answer = await there.send("req-send", other, headers=key)
        assert answer.status_code == 422
        assert answer.json()["payload"]["resp"]["errorCd"] == "KEY-MISMATCH"


@pytest.mark.parametrize("key", ["", "é", " a", "x" * 256])
async def test_a_bad_key_is_refused(there: Desk, key: str) -> None:
    answer = await there.send("req-send", send(), headers={"idempotency-key": key.encode()})
    assert answer.status_code == 400
    assert answer.json()["payload"]["resp"]["errorCd"] == "KEY-FORM"


@pytest.mark.parametrize("second", ["k-1", "k-2"])
async def test_two_keys_are_none(there: Desk, second: str) -> None:
    headers = [("idempotency-key", "k-1"), ("idempotency-key", second)]
    answer = await there.send("req-send", send(), headers=headers)
    assert answer.status_code == 400, "one proxy keeps the first, the next one the last"
    assert answer.json()["payload"]["resp"]["errorCd"] == "KEY-FORM"
    assert (await there.send("req-send", send())).status_code == 200


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer nobody", "Basic YTpi", "Bearer \xff"])
async def test_no_token_no_call(there: Desk, token: str) -> None:
    headers = {"authorization": token.encode("latin-1")}
    answer = await there.send("req-send", send(), headers=headers)
    assert answer.status_code == 401
    assert answer.json()["payload"]["resp"]["errorCd"] == "AUTH-TOKEN"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_http_itself_can_be_wrong(there: Desk) -> None:
    large = await there.send("req-send", b" " * 1_048_577)
    text = await there.send("req-send", send(), headers={"content-type": "text/plain"})
    zipped = await there.send("req-send", send(), headers={"content-encoding": "gzip"})
    short = await there.send("req-send", send(), headers={"content-length": "999999"})
    nowhere = await there.send("req-sing", send())
    got = await there.calls.get("/api/v0/purchase-order/req-send")
    told = [(a.status_code, a.json()["payload"]["resp"]["errorCd"])
            for a in (large, text, zipped, short, nowhere, got)]  # fmt: skip
    assert told == [
        (413, "HTTP-TOO-LARGE"),
        (415, "HTTP-MEDIA-TYPE"),
        (415, "HTTP-MEDIA-TYPE"),
        (400, "HTTP-CUT-OFF"),
        (404, "HTTP-NO-ROUTE"),
        (405, "HTTP-METHOD"),
    ]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="UTF-8"', 200),
        ("application/json; charset=utf-16", 415),
        ("application/json;x=1; Charset = latin-1", 415),
        ("application/json; charset=", 415),
    ],
)
async def test_a_body_is_utf_8_and_says_nothing_else(there: Desk, kind: str, status: int) -> None:
    answer = await there.send("req-send", send(), headers={"content-type": kind})
    assert answer.status_code == status


async def test_refusals_are_remembered_and_the_network_goes_on(there: Desk) -> None:
    await there.send("req-edit", edit(7, 8))
    await there.refusals.flush()
    [kept] = await there.stage.rows(sa.select(tables.refusal))
    assert (kept["client_id"], kept["status"]) == ("buyer", 409)
    answer = await there.send("req-confirm", confirm(), client_id="supplier")
    assert answer.status_code == 200


async def _orders(there: Desk) -> list[object]:
    rows = await there.stage.rows(sa.select(tables.document.c.object_id))
    exchanges = await there.stage.rows(sa.select(tables.exchange.c.req_msg_id))
    assert len(exchanges) == 1, "a refused request leaves nothing"
    return [row["object_id"] for row in rows]


def _served(client_id: str) -> str:
    from tests.exchange.scene import SERVES

    return SERVES[client_id]


def _shape_codes() -> tuple:
    from hundi.kernel.reading import CODES

    return CODES
