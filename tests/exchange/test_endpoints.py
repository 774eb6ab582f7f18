"""How a client is reached, changed: what is refused, what stays, and when a secret signs no more."""

import asyncio
import json
from collections.abc import Mapping
from functools import partial

import pytest
import sqlalchemy as sa

from hundi.delivery.parcels import endpoint_of
from hundi.exchange import endpoints
from hundi.exchange import tables as exchanges
from hundi.exchange.endpoints import Changes, rotate_secret, set_client
from hundi.exchange.invariants.finding import Broken
from hundi.exchange.invariants.walk import check_store
from hundi.exchange.leases import Leased
from hundi.exchange.redrive import mailbox_of, redrive
from hundi.exchange.verdict import Decision, Kind
from hundi.kernel.clock import DAY, wall_clock
from hundi.kernel.faults import Fault, RefusedError
from hundi.kernel.sealing import is_sealed
from hundi.kernel.signature import SignatureError, sign, verify
from hundi.parties import tables
from hundi.parties.at_rest import opened
from hundi.parties.health import Change, Seen, record
from hundi.store.engine import Transaction
from hundi.store.opening import open_database
from tests.exchange.scene import Scene, scene
from tests.exchange.slips import slip
from tests.keys import KEYRING
from tests.store.waiting import locked_out

URL = "https://erp.example/hundi"


async def client(stage: Scene, name: str = "supplier") -> dict[str, object]:
    [row] = await stage.rows(sa.select(tables.client).where(tables.client.c.client_id == name))
    return row


async def change(stage: Scene, name: str, changes: Changes) -> dict[str, str]:
    random = stage.random.randbytes
    return await set_client(stage.database, name, changes, keyring=KEYRING, random=random)


async def rotate(stage: Scene, name: str = "supplier") -> dict[str, str]:
    random = stage.random.randbytes
    return await rotate_secret(stage.database, name, keyring=KEYRING, random=random)


def clear(row: dict[str, object], column: str) -> str:
    assert is_sealed(str(row[column]))
    return opened(row, column, KEYRING)


async def refused(stage: Scene, changes: Changes, name: str = "supplier") -> Fault:
    before = await stage.rows(sa.select(tables.client))
    with pytest.raises(RefusedError) as refusal:
        await change(stage, name, changes)
    assert await stage.rows(sa.select(tables.client)) == before
    return refusal.value.faults[0]


async def test_what_is_left_out_stays(stage: Scene) -> None:
    headers = ["Authorization: Bearer abc.def", "X-Plant:  Pune "]
    told = await change(stage, "supplier", Changes(headers=headers))
    assert told == {
        "clientId": "supplier", "mode": "endpoint", "url": "https://supplier.example",
        "headers": "Authorization, X-Plant", "emptyMeansSuccess": False, "disabled": "",
    }  # fmt: skip
    told = await change(stage, "supplier", Changes(endpoint=URL, empty_means_success=True))
    assert (told["url"], told["headers"]) == (URL, "Authorization, X-Plant")
    row = await client(stage)
    kept = json.loads(clear(row, "endpoint_headers"))
    assert kept == {"Authorization": "Bearer abc.def", "X-Plant": "Pune"}
    assert row["empty_means_success"]
    await change(stage, "supplier", Changes(headers=()))
    await change(stage, "supplier", Changes(empty_means_success=False))
    row = await client(stage)
    assert (row["endpoint_headers"], bool(row["empty_means_success"])) == ("{}", False)
    assert (await client(stage, "buyer"))["endpoint_url"] == "https://buyer.example"


@pytest.mark.parametrize(
    "line",
    [
        "no colon",
        ": s3cret",
        "X A: s3cret",
        "X-A: a\r\nX-B: b",
        "X-A\r\n: b",
        "X-A: a\x00b",
        "X-A: ₹",
        "X-A:",
        f"X-A: {'a' * 9000}",
        "Host: erp.example",
        "content-length: 0",
        "Transfer-Encoding: chunked",
        "TE: trailers",
        "Connection: X-A",
        "Proxy-Authorization: Basic abc",
        "Webhook-Signature: v1,abc",
        "hundi-exchange: MSG",
        "User-Agent: me",
    ],
)
async def test_a_header_that_cannot_be_is_refused_without_its_value(
    stage: Scene, line: str
) -> None:
    fault = await refused(stage, Changes(headers=["X-Good: yes", line]))
    assert (fault.code, fault.path) == ("CLIENT-HEADER", "header[1]")
    value = line.partition(":")[2].strip()
    assert not value or value not in fault.detail


async def test_a_header_is_given_once_and_not_too_many(stage: Scene) -> None:
    twice = await refused(stage, Changes(headers=["X-A: 1", "x-a: 2"]))
    assert (twice.code, twice.path) == ("CLIENT-HEADER", "header[1]")
    many = await refused(stage, Changes(headers=[f"X-{n}: 1" for n in range(21)]))
    assert (many.code, many.path) == ("CLIENT-HEADER", "header")


async def test_what_is_no_url_or_no_client_is_refused(stage: Scene) -> None:
    assert (await refused(stage, Changes(endpoint="http://a b/"))).code == "CLIENT-ENDPOINT"
    assert (await refused(stage, Changes(mailbox=True), "CEK0000000")).code == "CLIENT-UNKNOWN"
    with pytest.raises(RefusedError):
        await rotate(stage, "CEK0000000")


@pytest.mark.parametrize("name", ["buyer", "supplier"])
async def test_the_mode_stays_while_exchanges_are_open(stage: Scene, name: str) -> None:
    await stage.submit("req-send", slip("S1"))
    await stage.submit("req-send", slip("S2"))
    fault = await refused(stage, Changes(mailbox=True), name)
    assert (fault.code, fault.context) == ("CLIENT-MODE", {"open": 2, "facts": 0})
    await change(stage, name, Changes(endpoint=URL))
    await stage.deliver_all()
    told = await change(stage, name, Changes(mailbox=True))
    assert (told["mode"], told["url"]) == ("mailbox", "")


@pytest.mark.parametrize("state", ["QUEUED", "LEASED", "PARKED"])
@pytest.mark.parametrize("values", [{"closing": "EXPIRED"}, {"expires_at": None}])
async def test_what_no_time_ends_is_open_too(
    stage: Scene, state: str, values: dict[str, object]
) -> None:
    """A fact that is to be delivered, and a proposal that ends with the attempt under way."""
    await stage.submit("req-send", slip("S1"))
    await stage.execute(sa.update(exchanges.exchange).values(**values))
    await stage.execute(sa.update(exchanges.delivery).values(state=state))
    for name in ("buyer", "supplier"):
        told = await refused(stage, Changes(mailbox=True), name)
        assert told.context == {"open": 1, "facts": 0}


async def test_an_open_fact_is_told_apart_as_nobody_can_abandon_it(stage: Scene) -> None:
    await stage.sent("S1")
    await stage.submit("req-pay", slip("S1", source="SENT", target="SENT"))
    await stage.finish(await stage.lease(), Decision.FAILED, reached=False, parks=True)
    told = await refused(stage, Changes(mailbox=True))
    assert told.context == {"open": 1, "facts": 1}
    assert "redrive" in told.detail
    assert "proposals" not in told.detail
    await stage.submit("req-send", slip("S2"))
    told = await refused(stage, Changes(mailbox=True))
    assert told.context == {"open": 2, "facts": 1}
    assert "proposals" in told.detail


async def test_a_mode_is_refused_before_anybody_has_to_wait(postgres_url: str) -> None:
    """An acceptance that names the client holds its row meanwhile, as any other would be held up."""
    async with scene(postgres_url) as stage:
        await stage.submit("req-send", slip("S1"))

        async def holds(tx: Transaction) -> None:
            row = sa.select(tables.client).where(tables.client.c.client_id == "supplier")
            await tx.select(row.with_for_update(read=True))
            async with asyncio.timeout(30):
                await refused(stage, Changes(mailbox=True))

        await stage.database.write(holds)


async def disabled_by_410(stage: Scene, url: str) -> list[Change]:
    seen = Seen(None, 0, failing_since=None, gone=url)
    return [*await stage.database.write(partial(record, seen={"supplier": seen}))]


async def test_an_endpoint_that_is_named_is_enabled_and_gets_all_that_waits(stage: Scene) -> None:
    sent = await stage.submit("req-send", slip("S1"))
    await stage.fail(reached=False)
    assert len(await disabled_by_410(stage, "https://supplier.example")) == 1
    assert (await change(stage, "supplier", Changes()))["disabled"] != ""
    assert await stage.lease() == []
    assert (await change(stage, "supplier", Changes(endpoint=URL)))["disabled"] == ""
    [leased] = await stage.lease()
    assert (leased.webhook_id, leased.failures) == (sent, 0)
    assert (await client(stage))["failing_since"] is None


async def test_a_late_410_of_an_endpoint_that_was_replaced_says_nothing_of_the_new_one(
    stage: Scene,
) -> None:
    await change(stage, "supplier", Changes(endpoint=URL))
    assert await disabled_by_410(stage, "https://supplier.example") == []
    assert (await client(stage))["disabled_at"] is None
    assert len(await disabled_by_410(stage, URL)) == 1


@pytest.mark.parametrize("state", ["QUEUED", "LEASED", "PARKED"])
async def test_a_mailbox_holds_what_waited_for_its_endpoint(stage: Scene, state: str) -> None:
    await stage.submit("req-send", slip("S1"))
    await stage.finish(await stage.lease())
    outcome = await stage.lease()
    if state != "LEASED":
        await stage.finish(outcome, Decision.FAILED, parks=state == "PARKED")
    of_outcome = exchanges.delivery.c.kind == "RESP"
    query = sa.select(exchanges.delivery.c.state).where(of_outcome)
    assert [row["state"] for row in await stage.rows(query)] == [state]
    await change(stage, "buyer", Changes(mailbox=True))
    assert [row["state"] for row in await stage.rows(query)] == ["DELIVERED"]
    under_way = sa.select(exchanges.attempt).where(exchanges.attempt.c.ended_at.is_(None))
    assert await stage.rows(under_way) == [], "its process may die before it has ended it"
    if state == "LEASED":
        await stage.finish(outcome, Decision.FAILED)
        assert [row["state"] for row in await stage.rows(query)] == ["DELIVERED"]
    again = partial(redrive, client_id="supplier", webhook_id=outcome[0].webhook_id)
    with pytest.raises(RefusedError, match="DELIVERY-MAILBOX"):
        await stage.database.write(again)
    assert [row["state"] for row in await stage.rows(query)] == ["DELIVERED"]
    await change(stage, "buyer", Changes(endpoint=URL))
    assert await stage.lease() == []
    assert await broken(stage) == []


async def test_what_waits_for_an_endpoint_is_not_held_by_who_made_it_a_mailbox_before(
    stage: Scene,
) -> None:
    """Two operators at once: one makes it a mailbox, the other gives it an endpoint before that is done."""
    sent = await stage.submit("req-send", slip("S1"))
    await endpoints._hold(stage.database, "supplier")
    assert [one.webhook_id for one in await stage.lease()] == [sent]


async def test_nobody_is_held_up_while_a_mailbox_takes_what_waited(postgres_url: str) -> None:
    """Who accepts a request for it meanwhile holds the client's row as the taking does."""
    async with scene(postgres_url, mailbox="supplier") as stage:
        held = partial(endpoints._hold_some, client_id="supplier")

        async def holds(tx: Transaction) -> None:
            await held(tx)
            async with asyncio.timeout(30):
                await stage.submit("req-send", slip("S1"))

        await stage.database.write(holds)


async def test_a_change_of_mode_waits_for_no_id_that_an_acceptance_holds(postgres_url: str) -> None:
    """He may hold some of a client's IDs before the client, and others after it: no order would do."""
    async with scene(postgres_url) as stage:
        other = await open_database(postgres_url, wall_clock)

        async def accepts(tx: Transaction) -> None:
            ids = sa.select(tables.b2b_id).where(tables.b2b_id.c.client_id == "supplier")
            await tx.select(ids.with_for_update(read=True))
            async with asyncio.timeout(30):
                await set_client(
                    other, "supplier", Changes(mailbox=True), keyring=KEYRING,
                    random=stage.random.randbytes,
                )  # fmt: skip
            assert await mailbox_of(tx, "supplier"), "it waits for the change, or comes after it"

        await stage.database.write(accepts)
        await other.close()


async def test_what_is_sent_again_beside_a_change_to_a_mailbox_does_not_stay_queued(
    postgres_url: str,
) -> None:
    async with scene(postgres_url) as stage:
        await stage.submit("req-send", slip("S1"))
        await stage.deliver_all()
        other = await open_database(postgres_url, wall_clock)
        changed: list[asyncio.Task[object]] = []
        [row] = await stage.rows(
            sa.select(exchanges.delivery.c.webhook_id).where(exchanges.delivery.c.kind == "RESP")
        )

        async def beside(tx: Transaction) -> None:
            await redrive(tx, client_id="buyer", webhook_id=row["webhook_id"])
            changing = set_client(
                other, "buyer", Changes(mailbox=True), keyring=KEYRING,
                random=stage.random.randbytes,
            )  # fmt: skip
            changed.append(asyncio.create_task(changing))
            await locked_out(stage.database)

        await stage.database.write(beside)
        await changed[0]
        states = await stage.rows(sa.select(exchanges.delivery.c.state))
        assert {one["state"] for one in states} == {"DELIVERED"}
        await other.close()


async def broken(stage: Scene) -> list[Broken]:
    found: list[Broken] = []
    types = stage.road.settler.types
    await stage.database.read(lambda tx: check_store(tx, types, report=found.append))
    return found


async def test_a_mailbox_becomes_an_endpoint(posted: Scene) -> None:
    told = await change(posted, "supplier", Changes(mailbox=True))
    assert told["mode"] == "mailbox", "nothing has changed, so nothing is in the way"
    await change(posted, "supplier", Changes(endpoint=URL))
    await posted.submit("req-send", slip("S1"))
    [leased] = await posted.lease()
    endpoint = endpoint_of(leased, 0, keyring=KEYRING)
    assert endpoint is not None
    assert endpoint.base_url == URL


def signs(leased: Leased, secret: str, now: int) -> bool:
    """Whether what is sent at a moment carries a signature of a secret."""
    endpoint = endpoint_of(leased, now, keyring=KEYRING)
    assert endpoint is not None
    headers = sign(endpoint.secrets, webhook_id="MSG1", timestamp=now // 1_000_000, body=b"{}")
    try:
        verify([secret], headers, b"{}", now=now)
    except SignatureError:
        return False
    return True


async def test_two_secrets_sign_for_24_hours(stage: Scene) -> None:
    await stage.execute(sa.update(tables.client).values(webhook_secret="whsec_" + "A" * 44))
    old = "whsec_" + "A" * 44
    told = await rotate(stage)
    new = told["webhookSecret"]
    assert new.startswith("whsec_")
    assert new != old
    await stage.submit("req-send", slip("S1"))
    [leased] = await stage.lease()
    until = int(str((await client(stage))["previous_secret_until"]))
    rotated = until - DAY
    assert leased.created_at - rotated < DAY
    for moment, both in ((rotated, True), (until - 1, True), (until, False), (until + DAY, False)):
        assert signs(leased, new, moment)
        assert signs(leased, old, moment) is both


async def test_rotated_twice_the_oldest_signs_no_more(stage: Scene) -> None:
    first = await rotate(stage)
    second = await rotate(stage)
    row = await client(stage)
    assert (clear(row, "webhook_secret"), clear(row, "previous_secret")) == (
        second["webhookSecret"], first["webhookSecret"],
    )  # fmt: skip


@pytest.mark.parametrize("mailbox", [True, False])
async def test_a_request_accepted_beside_a_change_of_mode_has_the_new_mode(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, *, mailbox: bool
) -> None:
    """It waits for the change, and must not go by what it has read before it waited."""
    looked, go_on = asyncio.Event(), asyncio.Event()
    written = endpoints._write

    async def held_up(tx: Transaction, client_id: str, values: Mapping[str, object]) -> None:
        looked.set()
        await go_on.wait()
        await written(tx, client_id, values)

    async with scene(postgres_url, mailbox=None if mailbox else "supplier") as stage:
        other = await open_database(postgres_url, wall_clock)
        monkeypatch.setattr(endpoints, "_write", held_up)
        changes = Changes(mailbox=True) if mailbox else Changes(endpoint=URL)
        changing = asyncio.create_task(
            set_client(other, "supplier", changes, keyring=KEYRING, random=stage.random.randbytes)
        )
        await looked.wait()
        sending = asyncio.create_task(stage.submit("req-send", slip()))
        await locked_out(stage.database)
        go_on.set()
        await asyncio.gather(changing, sending)
        [exchange] = await stage.rows(sa.select(exchanges.exchange.c.mailbox))
        assert exchange["mailbox"] is mailbox
        sent = [one for one in await stage.lease() if one.kind is Kind.REQUEST]
        assert len(sent) == (0 if mailbox else 1)
        await other.close()
