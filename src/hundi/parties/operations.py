"""Verbs that write parties: add a client, add an entity with its B2B ID."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from hundi.kernel.faults import Fault, RefusedError
from hundi.kernel.identity import RandomBytes, uuid7_hex
from hundi.kernel.members import IFSC
from hundi.kernel.sealing import Keyring
from hundi.kernel.signature import new_secret
from hundi.kernel.tax_ids import gstin_fault, is_pan
from hundi.parties import model, tables
from hundi.parties.addresses import endpoint_faults
from hundi.parties.at_rest import NO_HEADERS, sealed
from hundi.parties.credentials import hashed, new_client_id, new_secret_text
from hundi.parties.model import IS_PAID, NewClient
from hundi.store.engine import Database, Transaction
from hundi.store.statement import Statement

_HOLD_REGISTER = Statement.both(
    "select pg_advisory_xact_lock(6845733032)", sqlite="select 1 as got"
)
_IFSC = re.compile(IFSC)
_MASKED = re.compile(r"[Xx*][Xx* -]{0,29}[0-9A-Za-z]{0,4}")
_B2B_ID = re.compile(r"[^\s\\\"@\x00-\x1f\x7f]{1,90}@BCB")


async def add_client(
    database: Database, *, name: str, endpoint: str | None, random: RandomBytes, keyring: Keyring
) -> NewClient:
    """Register a system that calls the API; without an endpoint it is a mailbox.

    Raises RefusedError for a bad name or URL, SealError without a key to keep its signing secret
    with. In clear the secrets are in the answer and nowhere else.
    """
    faults = [*_name_faults(name), *(endpoint_faults(endpoint) if endpoint is not None else ())]
    if faults:
        raise RefusedError(faults)
    client_id = new_client_id(random)
    made = NewClient(
        client_id=client_id,
        client_secret=new_secret_text(random),
        username=f"api@{client_id.lower()}.hundi",
        password=new_secret_text(random),
        webhook_secret=new_secret(random),
    )
    row = _client_row(made, name=name, endpoint=endpoint)
    row = sealed(row, client_id, keyring=keyring, random=random)
    await database.write(lambda tx: _store_client(tx, row))
    return made


def _client_row(made: NewClient, *, name: str, endpoint: str | None) -> dict[str, object]:
    return {
        "client_id": made.client_id,
        "name": name,
        "secret_hash": hashed(made.client_secret),
        "username": made.username,
        "password_hash": hashed(made.password),
        "mailbox": endpoint is None,
        "endpoint_url": endpoint,
        "endpoint_headers": NO_HEADERS,
        "empty_means_success": False,
        "webhook_secret": made.webhook_secret,
        "failed_exchanges": 0,
    }


async def _store_client(tx: Transaction, row: dict[str, object]) -> None:
    await tx.execute(sa.insert(tables.client).values(**row, created_at=tx.now))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewParty:
    """A business and the B2B ID it gets. `b2b_id` None means `PAN@BCB`.

    `level` is how far the operator vouches for a business that is new: 1, 2 or 3. `joins` lets a
    business that has registered itself get the ID.
    """

    client_id: str
    name: str
    pan: str
    gstin: str | None
    b2b_id: str | None
    level: int = IS_PAID
    joins: bool = False


async def add_party(database: Database, party: NewParty, random: RandomBytes) -> str:
    """Register a B2B ID for a business; a PAN that is known already gets a further ID.

    Returns the B2B ID. Raises RefusedError: bad PAN, GSTIN or ID, unknown client, ID or GSTIN taken.
    """
    b2b_id = party.b2b_id or f"{party.pan}@BCB"
    faults = [*_name_faults(party.name), *_party_faults(party, b2b_id)]
    if faults:
        raise RefusedError(faults)

    async def store(tx: Transaction) -> None:
        await _store_party(tx, party, b2b_id=b2b_id, entity_id="ENT" + uuid7_hex(tx.now, random))

    await database.write(store)
    return b2b_id


async def switch(tx: Transaction, b2b_id: str, *, active: bool, by_operator: bool) -> None:
    """Switch a B2B ID on or off, whatever is open. What the operator has switched off, others leave so.

    Raises RefusedError where it is unknown.
    """
    ids = tables.b2b_id
    query = sa.select(ids.c.b2b_id).where(ids.c.b2b_id == b2b_id)
    if not await tx.select(query):
        detail = f"No {b2b_id} is on the network. Check the B2B ID."
        raise RefusedError([model.UNKNOWN.at("b2bId", detail)])
    values = {"active": active} | ({"barred": not active} if by_operator else {})
    change = sa.update(ids).where(ids.c.b2b_id == b2b_id)
    if active and not by_operator:
        change = change.where(ids.c.barred.is_(sa.false()))
    await tx.execute(change.values(**values))


async def set_level(tx: Transaction, *, b2b_id: str, level: int) -> None:
    """Write down how far the owner of a B2B ID is verified: 1, 2 or 3. Raises RefusedError."""
    ids, owners = tables.b2b_id, tables.entity
    rows = await tx.select(sa.select(ids.c.entity_id).where(ids.c.b2b_id == b2b_id))
    if not rows:
        detail = f"No {b2b_id} is on the network. Check the B2B ID."
        raise RefusedError([model.UNKNOWN.at("b2bId", detail)])
    of_it = owners.c.entity_id == rows[0]["entity_id"]
    await tx.execute(sa.update(owners).where(of_it).values(level=level))


async def hold_register(tx: Transaction) -> None:
    """Be the only one who adds businesses or B2B IDs until this transaction ends.

    They are few, and what must be unique of them lies in several tables. SQLite has one writer anyway.
    """
    await tx.fetch(_HOLD_REGISTER)


async def _store_party(tx: Transaction, party: NewParty, *, b2b_id: str, entity_id: str) -> None:
    clients, entities, ids = tables.client, tables.entity, tables.b2b_id
    await hold_register(tx)
    if not await tx.select(
        sa.select(clients.c.client_id).where(clients.c.client_id == party.client_id)
    ):
        detail = f"No client {party.client_id}. `hundi client add` makes one."
        raise RefusedError([model.NO_CLIENT.at("client", detail)])
    if await tx.select(sa.select(ids.c.b2b_id).where(ids.c.b2b_id == b2b_id)):
        detail = f"{b2b_id} is registered already. Give another one with --b2b-id."
        raise RefusedError([model.TAKEN.at("b2bId", detail)])
    # A person may have several businesses under his PAN; the oldest gets the further ID.
    columns = (entities.c.entity_id, entities.c.name, entities.c.registration)
    of_pan = sa.select(*columns).where(entities.c.pan == party.pan)
    owner = await tx.select(of_pan.order_by(entities.c.created_at, entities.c.entity_id))
    if owner:
        if owner[0]["registration"] is not None and not party.joins:
            detail = (
                f"{owner[0]['name']} has registered itself with this PAN, and would see all that is"
                " exchanged under the new ID. Where it is the same business, add --joins."
            )
            raise RefusedError([model.TAKEN.at("pan", detail)])
        entity_id = owner[0]["entity_id"]
    else:
        row = {"entity_id": entity_id, "pan": party.pan, "name": party.name, "level": party.level}
        await tx.execute(sa.insert(entities).values(**row, created_at=tx.now))
    await _store_gstin(tx, party.gstin, entity_id)
    row = {"b2b_id": b2b_id, "entity_id": entity_id, "client_id": party.client_id}
    await tx.execute(sa.insert(ids).values(**row, active=True, created_at=tx.now))


async def _store_gstin(tx: Transaction, gstin: str | None, entity_id: str) -> None:
    if not gstin:
        return
    known = await tx.select(
        sa.select(tables.gstin.c.entity_id).where(tables.gstin.c.gstin == gstin)
    )
    if not known:
        await tx.execute(sa.insert(tables.gstin).values(gstin=gstin, entity_id=entity_id))
    elif known[0]["entity_id"] != entity_id:
        raise RefusedError([model.TAKEN.at("gstin", f"{gstin} belongs to another business.")])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFinancier:
    """A lender's name on a financing platform, and the account that he wants to be paid at."""

    b2b_id: str
    fa_id: str
    financier_id: str
    ifsc: str = ""
    masked_account: str = ""


async def name_financier(database: Database, lender: NewFinancier) -> None:
    """Let financing requests name a B2B ID as a lender. Named again, it gets the new account.

    Raises RefusedError: a bad name, an unknown B2B ID, a name that is another lender's.
    """
    faults = [
        *_lender_name_faults("faId", lender.fa_id),
        *_lender_name_faults("financierId", lender.financier_id),
        *_account_faults(lender),
    ]
    if faults:
        raise RefusedError(faults)
    await database.write(lambda tx: _store_financier(tx, lender))


async def _store_financier(tx: Transaction, lender: NewFinancier) -> None:
    ids, names = tables.b2b_id.c, tables.financier
    if not await tx.select(sa.select(ids.b2b_id).where(ids.b2b_id == lender.b2b_id)):
        detail = f"No {lender.b2b_id} is on the network. `hundi party add` makes it."
        raise RefusedError([model.UNKNOWN.at("b2bId", detail)])
    this_one = (names.c.fa_id == lender.fa_id, names.c.financier_id == lender.financier_id)
    account = {"ifsc": lender.ifsc, "masked_account": lender.masked_account}
    known = await tx.select(sa.select(names.c.b2b_id).where(*this_one))
    if not known:
        row = {"fa_id": lender.fa_id, "financier_id": lender.financier_id} | account
        made = sa.insert(names).values(**row, b2b_id=lender.b2b_id, created_at=tx.now)
        await tx.execute(made)
    elif known[0]["b2b_id"] != lender.b2b_id:
        detail = f"{lender.financier_id} of {lender.fa_id} is another lender's name."
        raise RefusedError([model.TAKEN.at("financierId", detail)])
    else:
        await tx.execute(sa.update(names).where(*this_one).values(**account))


def _lender_name_faults(path: str, name: str) -> Iterator[Fault]:
    """Names as the body of `req-financing` may hold them."""
    if not (1 <= len(name) <= 100 and name.isprintable()):
        yield model.BAD_NAME.at(path, "Give a name of 1 to 100 printable characters.")


def _account_faults(lender: NewFinancier) -> Iterator[Fault]:
    """The account as payments name it, or none: they are compared with it, letter by letter."""
    if not lender.ifsc and not lender.masked_account:
        return
    if not _IFSC.fullmatch(lender.ifsc):
        yield model.BAD_ACCOUNT.at("ifsc", "Give an IFSC such as FICT0000033, with the account.")
    if not _MASKED.fullmatch(lender.masked_account):
        detail = (
            "Give the number as payments show it: XXXXXXXX0701, four characters in clear at most."
        )
        yield model.BAD_ACCOUNT.at("account", detail)


def _name_faults(name: str) -> Iterator[Fault]:
    if not (len(name.strip()) >= 1 and len(name) <= 200 and name.isprintable()):
        yield model.BAD_NAME.at("name", "Give a name of 1 to 200 printable characters.")


def _party_faults(party: NewParty, b2b_id: str) -> Iterator[Fault]:
    if not is_pan(party.pan):
        yield model.BAD_PAN.at(
            "pan", "Give a PAN such as AAACB1234C: five letters, four digits, a letter."
        )
    if party.gstin:
        trouble = gstin_fault(party.gstin)
        if trouble:
            yield model.BAD_GSTIN.at("gstin", trouble)
        elif party.gstin[2:12] != party.pan:
            yield model.BAD_GSTIN.at("gstin", "The GSTIN holds another PAN than the one given.")
    if not _B2B_ID.fullmatch(b2b_id) or len(b2b_id) > 100:
        yield model.BAD_B2B_ID.at("b2bId", "Give an ID such as AAACB1234C@BCB.")
