"""Our own calls about trade: a document with what belongs to it, and accounts between businesses."""

import asyncio
from functools import partial
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from hundi.web import account_pages, document_page
from hundi.web.context import (
    NO_NUL,
    Answer,
    Author,
    ClientId,
    Cursor,
    Limit,
    Network,
    Segment,
    answer,
)
from hundi.web.problems import segment

Party = Annotated[str, QueryParameter(name="party", max_length=100, pattern=NO_NUL)]


@get("/documents/{kind:str}/{object_id:str}")
async def read_document(
    network: Network, client_id: ClientId, *, kind: Segment, object_id: Segment, author: Author = ""
) -> Answer:
    """One document with its body and versions, its neighbours, its accounts and its clocks."""
    messages = network.settler.messages
    ask = partial(
        document_page.read_page,
        client_id=client_id,
        messages=messages,
        type_=segment(kind),
        object_id=segment(object_id),
        author=author,
    )
    found = await network.read(ask)
    if found.order is None:
        return answer(document_page.shown(found, messages))
    return answer(await asyncio.to_thread(document_page.shown, found, messages))


@get("/accounts")
async def list_accounts(
    network: Network,
    client_id: ClientId,
    *,
    party: Party = "",
    after: Cursor = "",
    limit: Limit = 50,
) -> Answer:
    """What the caller's counterparties owe and are owed, by B2B ID."""
    ask = partial(account_pages.listed, client_id=client_id, party=party, after=after, limit=limit)
    return answer(await network.read(ask))


@get("/accounts/{counterparty:str}")
async def read_account(
    network: Network,
    client_id: ClientId,
    *,
    counterparty: Segment,
    party: Party = "",
    after: Cursor = "",
    limit: Limit = 50,
) -> Answer:
    """The account with one counterparty: open invoices, when they are due, how old they are."""
    ask = partial(
        account_pages.read_account,
        client_id=client_id,
        b2b_id=segment(counterparty),
        party=party,
        after=after,
        limit=limit,
    )
    return answer(await asyncio.to_thread(account_pages.shown, await network.read(ask)))


@get("/accounts/{counterparty:str}/statement")
async def read_statement(
    network: Network,
    client_id: ClientId,
    *,
    counterparty: Segment,
    party: Party = "",
    after: Cursor = "",
    limit: Limit = 50,
) -> Answer:
    """What has changed the account with one counterparty, in the order of posting."""
    ask = partial(
        account_pages.statement,
        client_id=client_id,
        b2b_id=segment(counterparty),
        party=party,
        after=after,
        limit=limit,
    )
    return answer(await network.read(ask))


CALLS = (read_document, list_accounts, read_account, read_statement)
