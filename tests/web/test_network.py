"""Our own calls over HTTP: shapes as described, tenants apart, refusals as problem details."""

import asyncio
import logging
from pathlib import Path

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from jsonschema import Draft202012Validator
from structlog.testing import capture_logs

from hundi.exchange.cursor import cursor
from hundi.exchange.feed import number_events
from hundi.exchange.refusals import RefusalLog
from hundi.exchange.standing import UNKNOWN
from hundi.exchange.verdict import Decision
from hundi.kernel.clock import MINUTE, to_text, wall_clock
from hundi.kernel.identity import response_id
from hundi.parties import tables as parties
from hundi.parties.health import WARNED_AFTER, Seen, record
from hundi.store.sqlite import SqliteDatabase
from hundi.web import context, operation
from hundi.web.network import rest
from hundi.web.openapi import schema
from tests.exchange.scene import Scene
from tests.exchange.slips import slip
from tests.until import until
from tests.web.conftest import Net, bearer, context_of

V1 = "/network/v1"
DESCRIPTION = msgspec.json.decode(schema())


def checked(response: httpx.Response, name: str, status: int = 200) -> dict:
    """The JSON of a response, which has to be of the schema with that name."""
    assert response.status_code == status, response.text
    components = {"components": DESCRIPTION["components"]}
    validator = Draft202012Validator({"$ref": f"#/components/schemas/{name}", **components})
    content = response.json()
    assert [error.message for error in validator.iter_errors(content)] == []
    return content


def problem(response: httpx.Response, status: int, code: str) -> dict:
    """The problem details of a refusal."""
    assert response.headers["content-type"] == "application/problem+json"
    content = checked(response, "NetworkProblem", status)
    assert (content["status"], content["code"]) == (status, code)
    assert content["type"] == f"urn:hundi:fault:{code}"
    assert content["faults"][0]["code"] == code
    return content


async def test_every_read_has_the_shape_that_is_described(net: Net) -> None:
    req_msg_id = await net.stage.sent(total=b"1.10")
    await net.stage.submit("req-edit", slip(source="SENT", new=2))
    await net.stage.database.write(number_events)
    log = RefusalLog(net.stage.database)
    log.add("supplier", "/api/v0/x", status=404, faults=[UNKNOWN.at("a", "b")], at=1)
    await log.flush()
    reads = {
        "/documents": "NetworkDocumentPage",
        "/documents/slip/S1": "NetworkDocument",
        "/documents/slip/S1/history": "NetworkHistory",
        f"/exchanges/{req_msg_id}": "NetworkExchange",
        "/deliveries": "NetworkDeliveryPage",
        f"/deliveries/{req_msg_id}": "NetworkDeliveryWithAttempts",
        "/events": "NetworkEventPage",
        "/endpoint": "NetworkEndpoint",
        "/parties": "NetworkParties",
        "/refusals": "NetworkRefusalPage",
    }
    for client_id in ("buyer", "supplier"):
        for path, name in reads.items():
            response = await net.get(V1 + path, client_id)
            checked(response, name)
            assert response.headers["cache-control"] == "no-store"
    assert len((await net.get(f"{V1}/refusals", "supplier")).json()["refusals"]) == 1


async def test_a_stranger_finds_nothing(net: Net) -> None:
    req_msg_id = await net.stage.sent()
    await net.stage.database.write(number_events)
    log = RefusalLog(net.stage.database)
    log.add("supplier", "/api/v0/x", status=404, faults=[UNKNOWN.at("a", "b")], at=1)
    await log.flush()
    for path in ("documents", "deliveries", "events", "refusals"):
        assert len((await net.get(f"{V1}/{path}", "supplier")).json()[path]) > 0
        assert (await net.get(f"{V1}/{path}", "stranger")).json()[path] == []
    unknown = {
        "/documents/slip/S1": "DOC-UNKNOWN",
        "/documents/slip/S1/history": "DOC-UNKNOWN",
        f"/exchanges/{req_msg_id}": "EXCHANGE-UNKNOWN",
        f"/deliveries/{req_msg_id}": "DELIVERY-UNKNOWN",
    }
    for path, code in unknown.items():
        problem(await net.get(V1 + path, "stranger"), 404, code)
    problem(
        await net.post(f"{V1}/exchanges/{req_msg_id}/abandon", "stranger"), 404, "EXCHANGE-UNKNOWN"
    )
    problem(
        await net.post(f"{V1}/deliveries/{req_msg_id}/redrive", "stranger"), 404, "DELIVERY-UNKNOWN"
    )
    assert net.woken == []


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer nobody", "Basic buyer-token", "buyer-token"]
)
async def test_no_token_no_answer(net: Net, header: str) -> None:
    given = {"authorization": header} if header else {}
    for path in ("/documents", "/documents/slip/S1", "/events?limit=none"):
        response = await net.calls.get(V1 + path, headers=given)
        problem(response, 401, "AUTH-TOKEN")
        assert response.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token_is_refused(net: Net) -> None:
    await net.stage.execute(sa.update(parties.access_token).values(expires_at=1))
    problem(await net.get(f"{V1}/documents"), 401, "AUTH-TOKEN")


async def test_an_object_id_may_hold_anything_that_a_body_allows(net: Net) -> None:
    odd = "PO/25-26 №7%2F?#ü"
    await net.stage.sent(odd)
    escaped = (
        httpx.URL("/", params={"x": odd}).query.decode().removeprefix("x=").replace("+", "%20")
    )
    for tail in ("", "/history"):
        response = await net.get(f"{V1}/documents/slip/{escaped}{tail}")
        assert response.json()["objectId"] == odd


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/documents?limit=0", "limit"),
        ("/documents?limit=201", "limit"),
        ("/documents?limit=many", "limit"),
        ("/documents?q=" + "x" * 201, "q"),
        ("/documents?type=%00", "type"),
        ("/documents?author=%00", "author"),
        ("/deliveries?state=LOST", "state"),
        ("/deliveries?side=left", "side"),
        ("/deliveries?reqMsgId=%00", "reqMsgId"),
        ("/events?wait=16", "wait"),
        ("/events?wait=-1", "wait"),
        ("/documents/slip/%00", "path"),
        ("/documents/slip/%ff", "path"),
        ("/documents/slip/" + "x" * 201, "path"),
        ("/exchanges/%00", "path"),
        ("/documents?status=A&status=B", "status"),
        ("/documents?limit=5&limit=5", "limit"),
        ("/documents?q=%FF", ""),
    ],
)
async def test_a_parameter_out_of_its_limits_is_refused(
    net: Net, path: str, parameter: str
) -> None:
    told = problem(await net.calls.get(V1 + path, headers=bearer("buyer")), 400, "HTTP-PARAMETER")
    assert told["faults"][0]["path"] == parameter


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/documents?limit=1&state=SENT", "status"),
        ("/deliveries?kind=", "reqMsgId"),
        ("/endpoint?limit=2", "takes none"),
    ],
)
async def test_a_misspelt_parameter_is_refused(net: Net, path: str, says: str) -> None:
    told = problem(await net.calls.get(V1 + path, headers=bearer("buyer")), 400, "HTTP-PARAMETER")
    [fault] = told["faults"]
    assert fault["path"] == path.rpartition("?")[2].rpartition("&")[2].partition("=")[0]
    assert says in fault["detail"]


@pytest.mark.parametrize("path", ["documents", "deliveries", "events", "refusals"])
async def test_a_foreign_cursor_is_refused(net: Net, path: str) -> None:
    problem(await net.get(f"{V1}/{path}", cursor="WzEsIngiXQ"), 400, "READ-CURSOR")
    problem(await net.get(f"{V1}/{path}", cursor="?"), 400, "READ-CURSOR")
    hostile = (cursor("deliveries", "MSG\x00", "MSG"), cursor("documents", 2**63, "", "", ""))
    for text in hostile:
        problem(await net.get(f"{V1}/{path}", cursor=text), 400, "READ-CURSOR")


async def test_unknown_calls_and_methods_are_told(net: Net) -> None:
    for path in ("/", "/nothing", f"{V1}/nothing", "/schema/swagger", "/network/v2/documents"):
        problem(await net.get(path), 404, "HTTP-NO-ROUTE")
    response = await net.post(f"{V1}/documents")
    problem(response, 405, "HTTP-METHOD")
    assert response.headers["allow"] == "GET"
    response = await net.get(f"{V1}/exchanges/MSG1/abandon")
    problem(response, 405, "HTTP-METHOD")
    assert response.headers["allow"] == "POST"


async def test_a_proposal_is_given_up(net: Net) -> None:
    first = await net.stage.submit("req-send", slip("S1"))
    path = f"{V1}/exchanges/{first}/abandon"
    assert checked(await net.post(path), "NetworkExchange")["state"] == "ABANDONED"
    assert len(net.woken) == 1
    told = problem(await net.post(path), 409, "EXCHANGE-ENDED")
    assert told["faults"][0]["context"] == {"state": "ABANDONED"}
    await net.stage.deliver_all()
    second = await net.stage.submit("req-send", slip("S2"))
    await net.stage.lease()
    response = await net.post(f"{V1}/exchanges/{second}/abandon")
    assert checked(response, "NetworkExchange", 202)["closing"] == "ABANDONED"
    problem(
        await net.post(f"{V1}/exchanges/{second}/abandon", "supplier"), 403, "EXCHANGE-NOT-SENDER"
    )


async def test_a_webhook_is_sent_again(net: Net) -> None:
    req_msg_id = await net.stage.sent()
    path = f"{V1}/deliveries/{response_id(req_msg_id)}/redrive"
    shown = checked(await net.post(path), "NetworkDeliveryWithAttempts", 202)
    assert (shown["state"], shown["redriven"]) == ("QUEUED", True)
    assert len(net.woken) == 1
    await net.stage.lease()
    response = await net.post(path)
    problem(response, 409, "DELIVERY-IN-FLIGHT")
    assert int(response.headers["retry-after"]) > 0
    problem(await net.post(f"{V1}/deliveries/{req_msg_id}/redrive"), 409, "DELIVERY-OVER")


async def test_an_endpoint_is_switched_on_again(net: Net) -> None:
    client = parties.client
    off = sa.update(client).values(disabled_at=1, disabled_reason="it answered 410 Gone")
    await net.stage.execute(off)
    await net.stage.submit("req-send", slip())
    await net.stage.execute(sa.text("update delivery set due_at = due_at + 3600000000"))
    shown = checked(await net.get(f"{V1}/endpoint", "supplier"), "NetworkEndpoint")
    assert (shown["state"], shown["disabledReason"]) == ("DISABLED", "it answered 410 Gone")
    shown = checked(await net.post(f"{V1}/endpoint/enable", "supplier"), "NetworkEndpoint")
    assert shown["state"] == "ENABLED"
    assert len(net.woken) == 1
    assert len(await net.stage.lease()) == 1
    assert (await net.get(f"{V1}/endpoint")).json()["state"] == "DISABLED"


async def test_an_owner_is_warned_before_the_endpoint_is_switched_off(net: Net) -> None:
    shown = checked(await net.get(f"{V1}/endpoint"), "NetworkEndpoint")
    assert (shown["failingSince"], shown["warning"]) == (None, "")
    began = wall_clock() - WARNED_AFTER - MINUTE
    failing = Seen(success_at=None, failed_exchanges=1, failing_since=began)
    await net.stage.database.write(lambda tx: record(tx, {"buyer": failing}))
    shown = checked(await net.get(f"{V1}/endpoint"), "NetworkEndpoint")
    assert (shown["state"], shown["failingSince"]) == ("ENABLED", to_text(began))
    assert "switched off" in shown["warning"]


async def test_the_feed_is_read_on_by_its_cursor(net: Net) -> None:
    await net.stage.sent("S1")
    await net.stage.database.write(number_events)
    first = (await net.get(f"{V1}/events", limit=1)).json()
    assert [(one["kind"], one["objectId"]) for one in first["events"]] == [("ACCEPTED", "S1")]
    rest = (await net.get(f"{V1}/events", cursor=first["cursor"])).json()
    assert [one["kind"] for one in rest["events"]] == ["SETTLED"]
    end = (await net.get(f"{V1}/events", cursor=rest["cursor"])).json()
    assert end == {"events": [], "cursor": rest["cursor"]}


async def test_a_reader_may_wait_for_what_happens(net: Net) -> None:
    waiting = asyncio.create_task(net.get(f"{V1}/events", wait=15))
    await until(lambda: net.context.waiters._waiting)
    await net.stage.submit("req-send", slip())
    await net.stage.database.write(number_events)
    async with asyncio.timeout(10):
        assert len((await waiting).json()["events"]) == 1


async def test_pages_go_on_by_their_cursor(net: Net) -> None:
    for number in range(3):
        await net.stage.sent(f"S{number}")
    for path in ("documents", "deliveries"):
        page = (await net.get(f"{V1}/{path}", limit=2)).json()
        assert len(page[path]) == 2
        rest_ = (await net.get(f"{V1}/{path}", cursor=page["cursor"])).json()
        assert rest_["cursor"] is None
        assert len(rest_[path]) == (1 if path == "documents" else 4)


async def test_filters_reach_the_question(net: Net) -> None:
    await net.stage.sent("S1", number="A/1")
    assert (
        len(
            (await net.get(f"{V1}/documents", q="a/1", status="SENT", type="slip")).json()[
                "documents"
            ]
        )
        == 1
    )
    for query in (
        {"q": "b"},
        {"status": "CREATED"},
        {"type": "invoice"},
        {"author": "SUPPLIER@BCB"},
    ):
        assert (await net.get(f"{V1}/documents", **query)).json()["documents"] == []
    found = await net.get(f"{V1}/deliveries", side="inbound", state="DELIVERED")
    assert [one["kind"] for one in found.json()["deliveries"]] == ["RESP"]
    problem(await net.get(f"{V1}/documents/slip/S1", author="SUPPLIER@BCB"), 404, "DOC-UNKNOWN")


async def test_the_process_is_alive_and_ready(net: Net) -> None:
    for path in ("/healthz", "/readyz"):
        checked(await net.calls.get(path), "NetworkHealth")


async def test_it_is_not_ready_with_other_tables(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    # A second is short where other tests have all cores.
    monkeypatch.setattr(operation, "READY_SECONDS", 30)
    await net.stage.execute(sa.text("update alembic_version set version_num = '0000'"))
    response = await net.calls.get("/readyz")
    assert "hundi db upgrade" in problem(response, 503, "STORE-UNAVAILABLE")["detail"]
    checked(await net.calls.get("/healthz"), "NetworkHealth")
    await net.stage.execute(sa.text("update alembic_version set version_num = 'ae1027a6acf'"))
    response = await net.calls.get("/readyz")
    assert "no database of Hundi" in problem(response, 503, "STORE-UNAVAILABLE")["detail"]


async def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "missing" / "hundi.db", wall_clock)
    transport = httpx.ASGITransport(rest(context_of(Scene(database), [])))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as calls:
        for path in ("/readyz", f"{V1}/documents"):
            response = await calls.get(path, headers=bearer("buyer"))
            problem(response, 503, "STORE-UNAVAILABLE")
            assert int(response.headers["retry-after"]) > 0
        checked(await calls.get("/healthz"), "NetworkHealth")
        assert (await calls.get("/metrics")).status_code == 200
    await database.close()


async def test_refusals_of_reads_are_counted(net: Net) -> None:
    await net.get(f"{V1}/documents/slip/S9")
    text = (await net.calls.get("/metrics")).text
    assert 'hundi_refusals_total{code="DOC-UNKNOWN",status="404"} 1.0' in text
    assert 'hundi_refused_calls_total{call="read",status="404"} 1.0' in text


async def test_an_answer_to_an_attempt_stays_with_its_endpoint(net: Net) -> None:
    req_msg_id = await net.stage.submit("req-send", slip())
    await net.stage.finish(await net.stage.lease(), Decision.FAILED, body=b"a secret of theirs")
    path = f"{V1}/deliveries/{req_msg_id}"
    assert "a secret of theirs" in (await net.get(path, "supplier")).text
    assert "a secret of theirs" not in (await net.get(path, "buyer")).text


async def test_pages_wait_for_each_other_and_not_for_ever(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "PATIENCE_SECONDS", 0.05)
    for _ in range(context.READS):
        await net.context.reading.acquire()
    told = await net.get("/network/v1/documents")
    assert told.status_code == 503
    assert told.headers["retry-after"]
    assert (await net.get("/readyz")).status_code == 200
    net.context.reading.release()
    assert (await net.get("/network/v1/documents")).status_code == 200


async def test_what_was_done_is_told_though_nothing_can_be_read(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to send it again, a caller would have a webhook sent twice."""
    sent = await net.stage.sent()
    open_ = await net.stage.submit("req-send", slip("S2"))
    monkeypatch.setattr(context, "PATIENCE_SECONDS", 0.01)
    for _ in range(context.READS):
        await net.context.reading.acquire()
    assert (await net.get(f"{V1}/exchanges/{open_}")).status_code == 503
    again = await net.post(f"{V1}/deliveries/{response_id(sent)}/redrive")
    assert checked(again, "NetworkDeliveryWithAttempts", 202)["state"] == "QUEUED"
    gone = await net.post(f"{V1}/exchanges/{open_}/abandon")
    assert checked(gone, "NetworkExchange")["state"] == "ABANDONED"
    enabled = await net.post(f"{V1}/endpoint/enable")
    assert checked(enabled, "NetworkEndpoint")["state"] == "ENABLED"


async def test_a_refusal_about_an_exchange_names_it_in_the_log(
    net: Net, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "hundi"), capture_logs() as lines:
        await net.get(f"{V1}/exchanges/NO-SUCH-ONE")
    assert [(one["event"], one.get("reqMsgId")) for one in lines] == [("refused", "NO-SUCH-ONE")]
