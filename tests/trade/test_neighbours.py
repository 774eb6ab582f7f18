"""What each side's page of each document tells of the others, along the whole chain of a trade.

order ← invoice ← note, payment, financing request ← bid: in both directions, for both roles, before
and after the message that refers has left.
"""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.verdict import Decision
from hundi.simulator import story_money
from hundi.simulator.story_financing import REQUEST_ID
from tests.trade import bills, loans
from tests.trade.lending import LENDER_CLIENTS, Lending, accepted_invoice, lending_desk
from tests.trade.reading import Reads, reading
from tests.trade.test_financing import ANSWER, ASK, AT_A, AT_B, SHARE
from tests.trade.test_reads import NOTE, PAYMENT_1, names, noted
from tests.trade.test_story import INVOICE_1, INVOICE_2, ORDER, billed, ordered
from tests.web.test_network import checked

Named = list[tuple[str, str]]
TRADERS = ("buyer", "supplier")
THE_ORDER, THE_INVOICE = ("purchase-order", ORDER), ("invoice", INVOICE_1)
THE_NOTE, THE_PAYMENT = ("cd-note", NOTE), ("payment", PAYMENT_1)
ASKED_A, ASKED_B = ("financing-request", AT_A), ("financing-request", AT_B)
BID_A, BID_B = ("bid", "BID-A1"), ("bid", "BID-B1")


@pytest.fixture
async def lending(database_url: str) -> AsyncIterator[Lending]:
    """Buyer, supplier and two lenders."""
    async with lending_desk(database_url) as it:
        yield it


@pytest.fixture
async def reads(lending: Lending) -> AsyncIterator[Reads]:
    """What they read over HTTP."""
    async with reading(lending, *LENDER_CLIENTS.values()) as it:
        yield it


async def around(reads: Reads, document: tuple[str, str], client_id: str) -> tuple[Named, Named]:
    """What a document refers to and what refers to it, as a client reads it."""
    type_, object_id = document
    page = await reads.page(type_, object_id.replace("/", "%2F"), client_id)
    return names(page["refersTo"]), names(page["referredBy"])


async def test_order_invoice_note_and_payment(lending: Lending, reads: Reads) -> None:
    await ordered(lending)
    await billed(lending, 1)
    await noted(lending)
    await lending.send("payment/req-pay", story_money.payment(1))
    for reader in TRADERS:
        assert await around(reads, THE_ORDER, reader) == ([], [THE_INVOICE])
        assert await around(reads, THE_INVOICE, reader) == ([THE_ORDER], [THE_NOTE, THE_PAYMENT])
        assert await around(reads, THE_NOTE, reader) == ([THE_INVOICE], [])
        assert await around(reads, THE_PAYMENT, reader) == ([THE_INVOICE], [])


async def test_a_note_is_told_to_its_author_first(lending: Lending, reads: Reads) -> None:
    await ordered(lending)
    await billed(lending, 1)
    await lending.submit("cd-note/req-send", bills.note())
    assert await around(reads, THE_INVOICE, "supplier") == ([THE_ORDER], [THE_NOTE])
    assert await around(reads, THE_NOTE, "supplier") == ([THE_INVOICE], [])
    assert await around(reads, THE_INVOICE, "buyer") == ([THE_ORDER], [])
    await reads.refused(f"/documents/cd-note/{NOTE}", "buyer", (404, "DOC-UNKNOWN"))


async def test_a_payment_is_told_from_its_ack(lending: Lending, reads: Reads) -> None:
    """It is a fact, and visible at once (decision 7); its page is, and so is what it refers to."""
    await ordered(lending)
    await billed(lending, 1)
    await lending.submit("payment/req-pay", story_money.payment(1))
    for reader in TRADERS:
        assert await around(reads, THE_INVOICE, reader) == ([THE_ORDER], [THE_PAYMENT])
        assert await around(reads, THE_PAYMENT, reader) == ([THE_INVOICE], [])
        listed = await reads.get("/documents", reader, type="payment")
        found = checked(listed, "NetworkDocumentPage")["documents"]
        assert [one["objectId"] for one in found] == [PAYMENT_1]


async def asked(lending: Lending) -> None:
    """Both lenders hold a request about invoice 2."""
    await lending.send(ASK, loans.financing([await accepted_invoice(lending)]))


async def both_bid(lending: Lending) -> None:
    """Both lenders have bid; the initiator holds the bids."""
    for bid, client_id in (("BID-A1", "lender-a"), ("BID-B1", "lender-b")):
        await lending.send(SHARE, loans.bid(bid), by=client_id)


async def test_invoice_and_financing_requests(lending: Lending, reads: Reads) -> None:
    await asked(lending)
    invoice = ("invoice", INVOICE_2)
    assert await around(reads, invoice, "supplier") == ([THE_ORDER], [ASKED_A, ASKED_B])
    assert await around(reads, invoice, "buyer") == ([THE_ORDER], [])
    for request in (ASKED_A, ASKED_B):
        assert await around(reads, request, "supplier") == ([invoice], [])
    # The invoice is the traders' own: to a lender it is what the request says of it.
    assert await around(reads, ASKED_A, "lender-a") == ([], [])


async def test_the_initiator_sees_the_bids_on_each_request(lending: Lending, reads: Reads) -> None:
    await asked(lending)
    await both_bid(lending)
    invoice = ("invoice", INVOICE_2)
    assert await around(reads, ASKED_A, "supplier") == ([invoice], [BID_A])
    assert await around(reads, ASKED_B, "supplier") == ([invoice], [BID_B])
    assert await around(reads, BID_A, "supplier") == ([ASKED_A], [])
    assert await around(reads, BID_B, "supplier") == ([ASKED_B], [])


async def test_a_lender_sees_his_own_bid_alone(lending: Lending, reads: Reads) -> None:
    await asked(lending)
    await both_bid(lending)
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    for reader, own, request in (("lender-a", BID_A, ASKED_A), ("lender-b", BID_B, ASKED_B)):
        assert await around(reads, request, reader) == ([], [own])
        assert await around(reads, own, reader) == ([request], [])
    unknown = (404, "DOC-UNKNOWN")
    for reader in ("lender-b", "buyer"):
        await reads.refused("/documents/bid/BID-A1", reader, unknown)
        path = f"/documents/financing-request/{REQUEST_ID}%2FLENDER-A"
        await reads.refused(path, reader, unknown)


async def test_a_bid_is_told_once_it_may_have_reached_the_initiator(
    lending: Lending, reads: Reads
) -> None:
    await asked(lending)
    await lending.submit(SHARE, loans.bid("BID-A1"), by="lender-a")
    assert await around(reads, ASKED_A, "lender-a") == ([], [BID_A])
    assert (await around(reads, ASKED_A, "supplier"))[1] == []
    await lending.deliver(Decision.DECLINED)
    assert (await around(reads, ASKED_A, "supplier"))[1] == [BID_A]


async def concerned(reads: Reads, req_msg_id: str, client_id: str) -> list[tuple[str, str, str]]:
    """The documents of an exchange's page: how it touches each of them."""
    found = await reads.get(f"/exchanges/{req_msg_id}", client_id)
    documents = checked(found, "NetworkExchange")["documents"]
    assert all((one["how"] == "HOLDS") == (one["to"] is None) for one in documents)
    return [(one["how"], one["type"], one["objectId"]) for one in documents]


async def test_an_exchange_tells_what_it_draws_on(lending: Lending, reads: Reads) -> None:
    await ordered(lending)
    sent = await lending.send("invoice/req-send-invoice", bills.invoice(1))
    confirmed = bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    await lending.send("invoice/req-confirm-invoice", confirmed)
    paid = await lending.send("payment/req-pay", story_money.payment(1))
    for reader in TRADERS:
        assert await concerned(reads, sent.req_msg_id, reader) == [
            ("MOVES", *THE_INVOICE),
            ("HOLDS", *THE_ORDER),
        ]
        assert await concerned(reads, paid.req_msg_id, reader) == [
            ("MOVES", *THE_PAYMENT),
            ("HOLDS", *THE_INVOICE),
        ]


async def test_a_lender_is_told_of_no_document_of_the_traders(
    lending: Lending, reads: Reads
) -> None:
    await asked(lending)
    x = tables.exchange.c
    query = sa.select(x.req_msg_id).where(x.message == ASK, x.receiver_client == "lender-a")
    [row] = await lending.rows(query)
    request = ("MOVES", *ASKED_A)
    assert await concerned(reads, row["req_msg_id"], "lender-a") == [request]
    assert await concerned(reads, row["req_msg_id"], "supplier") == [
        request,
        ("HOLDS", "invoice", INVOICE_2),
    ]
