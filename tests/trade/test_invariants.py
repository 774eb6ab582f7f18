"""Each promise, broken by hand in the database, is found and told with its ids."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hundi.exchange.invariants import trades
from hundi.exchange.invariants.finding import Broken
from hundi.exchange.invariants.walk import Result, check_store
from hundi.kernel.clock import wall_clock
from hundi.store.opening import open_database
from tests.exchange.breaking import change
from tests.trade.desk import Desk, desk
from tests.trade.filled import SEED, STEPS
from tests.trade.invariants import TYPES
from tests.trade.trader import Trader

ONE_OPEN = "select min(req_msg_id) from exchange where state = 'OPEN' and effect = 'PROPOSAL'"
ONE_SETTLED = "select min(req_msg_id) from exchange where state = 'SETTLED' and effect = 'PROPOSAL'"
ONE_INVOICE = "select min(object_id) from document where type = 'invoice' and status <> 'CREATED'"
_REST = (
    "effect, receiver_b2b, client_id, lane, position, path, body_id, idempotency_key, state, due_at,"
    " lease_until, attempts, failures, reached, redriven, created_at, ended_at, sequences"
)
COPY = f"insert into delivery (webhook_id, req_msg_id, kind, {_REST})"
REST = f"{_REST} from delivery where webhook_id = ({ONE_OPEN})"
AT_END = "(select max(sequence) from journal k where k.object_id = journal.object_id)"


@pytest.fixture
async def filled(filled_url: str) -> AsyncIterator[Desk]:
    """A desk on a store with trades of every kind, one proposal open, a key, numbered events."""
    database = await open_database(filled_url, wall_clock)
    yield Desk(database, None, None)  # type: ignore[arg-type]
    await database.close()


async def found_in(trade: Desk) -> tuple[list[Broken], Result]:
    found: list[Broken] = []
    result = await trade.database.read(lambda tx: check_store(tx, TYPES, report=found.append))
    return found, result


async def test_all_is_well(filled: Desk) -> None:
    steps: list[tuple[int, int]] = []
    found: list[Broken] = []
    result = await filled.database.read(
        lambda tx: check_store(
            tx, TYPES, report=found.append, progress=lambda *at: steps.append(at)
        )
    )
    assert found == []
    assert sum(result.states.values()) == result.rows["exchange"] > 20
    assert result.states["OPEN"] >= 1
    assert steps == sorted(steps)
    assert steps[-1] == (sum(result.rows.values()),) * 2, "the progress ends where all is done"


BREAKS = {
    "an exchange of no state": (
        f"update exchange set state = 'LOST' where req_msg_id = ({ONE_SETTLED})",
        ("exchange: MSG", "its state 'LOST' is none"),
    ),
    "an exchange that is gone": (
        f"delete from exchange where req_msg_id = ({ONE_SETTLED})",
        ("names exchange MSG", "which does not exist"),
    ),
    "an exchange that nobody accepted": (
        f"update exchange set req_msg_id = 'MSG0' where req_msg_id = ({ONE_OPEN})",
        ("no row accepts exchange MSG0", "is open on it, and it says it is busy with MSG"),
    ),
    "an end without a time": (
        f"update exchange set ended_at = null where req_msg_id = ({ONE_SETTLED})",
        ("its time of ending says otherwise",),
    ),
    "an end that is another": (
        (
            "update exchange set state = 'DECLINED', result = 'FAILURE'"
            f" where req_msg_id = ({ONE_SETTLED})"
        ),
        ("says SETTLED of exchange MSG", "which is DECLINED"),
    ),
    "a request that is lost": (
        f"delete from delivery where webhook_id = ({ONE_OPEN})",
        ("outbox: MSG", "it is lost; its exchange is OPEN"),
    ),
    "an answer that is lost": (
        f"delete from delivery where webhook_id = 'RSP' || substr(({ONE_SETTLED}), 4)",
        ("outbox: RSP", "it is lost; its exchange is SETTLED"),
    ),
    "a webhook that is doubled": (
        f"{COPY} select 'MSG-AGAIN', req_msg_id, kind, {REST}",
        ("outbox: MSG-AGAIN", "it is no REQ of exchange MSG"),
    ),
    "an answer before the end": (
        f"{COPY} select 'RSP' || substr(webhook_id, 4), req_msg_id, 'RESP', {REST}",
        ("outbox: RSP", "its exchange is OPEN and asks for none"),
    ),
    "a proposal that is sent again after its end": (
        f"update delivery set state = 'QUEUED' where webhook_id = ({ONE_SETTLED})",
        ("it is QUEUED, and may be DELIVERED",),
    ),
    "a proposal that is never sent": (
        f"update delivery set state = 'DELIVERED' where webhook_id = ({ONE_OPEN})",
        ("it is DELIVERED, and may be LEASED or PARKED or QUEUED",),
    ),
    "a lease of nobody": (
        f"update delivery set state = 'LEASED' where webhook_id = ({ONE_OPEN})",
        ("it is LEASED, and its lease says otherwise",),
    ),
    "an attempt that is forgotten": (
        f"delete from attempt where webhook_id = ({ONE_SETTLED})",
        ("attempts, and 0 are noted",),
    ),
    "a body that is gone": (
        f"delete from body where body_id = ({ONE_OPEN})",
        ("it is to be sent, and its body is gone",),
    ),
    "a webhook of nothing": (
        f"{COPY} select 'MSG-STRAY', 'MSG-NONE', kind, {REST}",
        ("delivery MSG-STRAY: nothing leads to this row",),
    ),
    "a document that is busy with nothing": (
        "update document set open_exchange = 'MSG0' where open_exchange is not null",
        ("it is busy with exchange MSG0, which does not exist",),
    ),
    "a document that is busy with the past": (
        f"update document set open_exchange = ({ONE_SETTLED}) where open_exchange is null",
        ("which is SETTLED",),
    ),
    "a document that is free beside a proposal": (
        "update document set open_exchange = null where open_exchange is not null",
        ("is open on it, and it says it is busy with None",),
    ),
    "a status that is none": (
        f"update document set status = 'MOVED' where object_id = ({ONE_INVOICE})",
        ("document: invoice INV", "its status 'MOVED' is not declared"),
    ),
    "a document that is gone": (
        f"delete from document where object_id = ({ONE_INVOICE})",
        ("which does not exist", "journal supplier invoice INV"),
    ),
    "a journal row that was changed": (
        f"update journal set status = 'X' where object_id = ({ONE_INVOICE}) and sequence = 1",
        ("journal: invoice INV", "row 1 was changed"),
    ),
    "a journal row that is gone": (
        f"delete from journal where object_id = ({ONE_INVOICE}) and sequence = 1",
        ("row 1 is missing",),
    ),
    "a journal's tail that is gone": (
        f"delete from journal where object_id = ({ONE_INVOICE}) and sequence = {AT_END}",
        ("the journal ends at row",),
    ),
    "a document that tells another last step": (
        f"update document set last_step = 'LATE' where object_id = ({ONE_INVOICE})",
        ("LATE did not change it last, as the document says",),
    ),
    "a document that tells an older step": (
        (
            "update document set last_step = 'ACCEPTED', last_exchange = (select j.req_msg_id"
            f" from journal j where j.object_id = ({ONE_INVOICE}) and j.sequence = 1)"
            f" where object_id = ({ONE_INVOICE})"
        ),
        ("ACCEPTED did not change it last, as the document says",),
    ),
    "a document that tells another time of its last change": (
        f"update document set last_at = last_at - 1 where object_id = ({ONE_INVOICE})",
        ("when it changed last, as the document says",),
    ),
    "a transfer within one account": (
        (
            "update ledger_transfer set credit = debit where transfer_id ="
            " (select min(transfer_id) from ledger_transfer where phase = 'POSTED')"
        ),
        ("does not sum to zero", "its transfers make"),
    ),
    "a transfer of less than nothing": (
        (
            "update ledger_transfer set amount = -amount where transfer_id ="
            " (select min(transfer_id) from ledger_transfer where phase = 'POSTED')"
        ),
        ("is of -", "its transfers make"),
    ),
    "a transfer of no phase": (
        (
            "update ledger_transfer set phase = 'GONE' where transfer_id ="
            " (select min(transfer_id) from ledger_transfer where phase = 'POSTED')"
        ),
        ("is 'GONE'",),
    ),
    "an account that holds more": (
        "update ledger_account set debit = debit + 1 where name = 'due'",
        ("its transfers make", "PAISE sum to 1, not to zero"),
    ),
    "a due below zero": (
        "update ledger_account set debit = 0 where name = 'due' and credit > 0",
        ("account 'due' is below zero",),
    ),
    "an account that is gone": (
        "delete from ledger_account where name = 'due'",
        ("account 'due' is missing, it has transfers",),
    ),
    "an amount that waits for the past": (
        (
            "update ledger_transfer set phase = 'PENDING', standing = false where transfer_id ="
            " (select min(transfer_id) from ledger_transfer where phase = 'POSTED')"
        ),
        ("transfers wait for it: SETTLED",),
    ),
    "a status that money does not bear out": (
        (
            "update document set status = 'PAID' where type = 'invoice' and status = 'ACCEPTED'"
            " and booked"
        ),
        ("its status is PAID, the ledger says",),
    ),
    "an account of nothing": (
        (
            "insert into ledger_account select author_entity, type, 'NONE', name, unit, guarded, 0, 0,"
            " 0, 0 from ledger_account where name = 'due'"
            f" and object_id = ({ONE_INVOICE})"
        ),
        ("ledger_account supplier invoice NONE due: nothing leads to this row",),
    ),
    "an event that is gone": (
        "delete from event where client_id = 'buyer' and position = 2",
        ("feed: buyer: events at 2 to 2 are missing",),
    ),
    "a feed that ends too early": (
        "update feed_head set position = position - 1 where client_id = 'buyer'",
        ("feed: buyer: its last event has position",),
    ),
    "a feed without a head": (
        "delete from feed_head where client_id = 'buyer'",
        ("feed: event ", "nothing leads to this row"),
    ),
    "a key that answers for nothing": (
        "update idempotency set req_msg_id = 'MSG0' where key = 'K1'",
        ("idempotency: buyer K1: no MSG0 exists",),
    ),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_what_is_broken_is_found(filled: Desk, filled_url: str, name: str) -> None:
    statement, says = BREAKS[name]
    await change(filled_url, statement)
    found, result = await found_in(filled)
    lines = [str(one) for one in found]
    for words in says:
        assert any(words in line for line in lines), "\n".join([f"not told: {words}", *lines])
    assert result.broken == len(found)


async def test_it_checks_one_moment_while_others_trade(database_url: str) -> None:
    """Every snapshot is in order, taken while documents are accepted, delivered and settled."""
    async with desk(database_url) as trade:
        trading = asyncio.create_task(Trader(trade, SEED).play(STEPS))
        checks = 0
        while not trading.done():
            found, _ = await found_in(trade)
            assert found == []
            checks += 1
        await trading
    assert checks > 3


async def test_large_books_are_read_in_parts(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trades, "ACCOUNTS_AT_ONCE", 3)
    assert (await found_in(filled))[0] == []
