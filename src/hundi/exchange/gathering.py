"""What a transaction reads and locks before it judges a batch, or ends exchanges.

Documents are locked first and all at once, in the order of their keys; books, bodies and open
exchanges are read after it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hundi.exchange.bodies import MOST_BYTES, Read, Wanted, read_for
from hundi.exchange.claims import Claim, Numbered, by_number, sharing
from hundi.exchange.definition import DocumentType, MessageType, Touched
from hundi.exchange.document import Document
from hundi.exchange.first_read import parties_and_documents
from hundi.exchange.papers import Papers
from hundi.exchange.record import (
    Exchange,
    RequestDelivery,
    load_exchanges,
    lock_documents,
    lock_request_deliveries,
    shown,
)
from hundi.exchange.request import NumberedRequest, Request
from hundi.exchange.stakes import stakeholders
from hundi.exchange.world import Named, OpenExchange, World
from hundi.ledger import operations as ledger
from hundi.ledger.model import Books, Key, document_key
from hundi.parties.model import Served
from hundi.parties.queries import served
from hundi.store.engine import Transaction
from hundi.store.statement import Bulk, rows

NOBODY: Key = ("", "", "")

_RELATION = "r.author_entity, r.type, r.object_id, r.target_author, r.target_type, r.target_id"
_RELATED = Bulk.of(
    postgresql=f"select {_RELATION} from " + rows("a text, t text, o text") + " k"
    " join relation r on r.author_entity = k.a and r.type = k.t and r.object_id = k.o",
    sqlite=f"select {_RELATION} from relation r"
    " where r.author_entity = $1 and r.type = $2 and r.object_id = $3",
    returns=True,
)


async def related(tx: Transaction, keys: Collection[Key]) -> dict[Key, list[Key]]:
    """What some documents refer to. A relation is never taken back, so no lock is needed."""
    found: dict[Key, list[Key]] = {}
    for row in await tx.bulk(_RELATED, sorted(keys)):
        source = document_key(row)
        found.setdefault(source, []).append(
            (row["target_author"], row["target_type"], row["target_id"])
        )
    return found


async def papers_of(
    tx: Transaction,
    types: Mapping[str, DocumentType],
    documents: Mapping[Key, Document],
    *,
    step: str,
    ending: Sequence[Exchange],
    holders: Iterable[Key] = (),
) -> Papers:
    """Locked documents with their books, and what `ending` exchanges and `holders` have booked.

    An exchange that brings its document to an end gives back what the document has drawn on others,
    one that resolves it decides on that.
    """
    pending = await ledger.pending_of(tx, [x.req_msg_id for x in ending if x.booked])
    releasing = {
        move.key
        for one in ending
        for move in one.moves
        if one.holds and (move.resolves is not None or move.target in types[move.type].released)
    }
    held = await ledger.held_by(tx, releasing | set(holders))
    booked = [key for key, document in documents.items() if document.booked]
    books = await ledger.balances(tx, booked) if booked else Books({})
    return Papers(
        types=types, step=step, documents=dict(documents), books=books, pending=pending, held=held
    )


def _never_held(
    requests: Mapping[int, Request],
    documents: Mapping[Key, Document],
    known: Mapping[str, Served],
) -> set[Key]:
    """Documents of which a sender is the counterparty and has never held a version.

    None, mostly: who sends about a document is its author, or holds it.
    """
    senders = {known[r.sender_b2b].entity_id for r in requests.values() if r.sender_b2b in known}
    return {
        key
        for key, document in documents.items()
        if document.highest_version == 0 and document.counterparty_entity in senders
    }


@dataclass(frozen=True, slots=True)
class Gatherer:
    """Gathers what requests are judged against. `messages` are keyed by stored name."""

    messages: Mapping[str, MessageType]
    types: Mapping[str, DocumentType]

    async def world(self, tx: Transaction, calls: Mapping[int, Sequence[NumberedRequest]]) -> World:
        """Read and lock what the exchanges of some calls, by their place in the batch, are judged against."""
        requests = {number: leg for legs in calls.values() for number, leg in legs}
        known, documents = await self._first(tx, requests)
        moved = {place: self._moved(request, known) for place, request in requests.items()}
        named = await self._named(tx, requests, moved=moved, known=known)
        if documents is None:
            held = {one.key for some in named.values() for one in some if one.key is not None}
            documents = await lock_documents(tx, held.union(*moved.values()))
        opened = await self._open(tx, documents, moved=set().union(*moved.values()))
        missing = {key for one in opened.values() for key in one.exchange.keys} - set(documents)
        if missing:
            documents |= await lock_documents(tx, missing)
        papers = await papers_of(
            tx,
            self.types,
            documents,
            step="a",
            ending=[one.exchange for one in opened.values()],
            holders=self._holders(requests, moved),
        )
        read = await self._bodies(tx, calls, moved=moved, named=named, documents=documents)
        return World(
            now=tx.now,
            types=self.types,
            parties=known,
            papers=papers,
            open=opened,
            named=named,
            sharing=await sharing(tx, self._shared(requests, moved)),
            shown=await shown(tx, _never_held(requests, documents, known)),
            stakes=await stakeholders(tx, documents, books=papers.books, types=self.types),
            bodies=read.bodies,
            heavy={number for place in read.heavy for number, _ in calls[place]},
            later=read.later,
        )

    async def _first(
        self, tx: Transaction, requests: Mapping[int, Request]
    ) -> tuple[dict[str, Served], dict[Key, Document] | None]:
        """The parties; with them the documents, locked, where none is to be found by what is read first.

        All documents are locked at once, so those that a request draws on are waited for.
        """
        b2b_ids = {b2b for r in requests.values() for b2b in r.parties.values()}
        if any(_draws(r) for r in requests.values()):
            return await served(tx, b2b_ids), None
        named = {
            (r.parties[self.types[t.type].author], t.type, t.object_id)
            for r in requests.values()
            for t in r.moved
        }
        return await parties_and_documents(tx, b2b_ids, named)

    def _moved(self, request: Request, known: Mapping[str, Served]) -> tuple[Key, ...]:
        keys = (self._key(request, touched, known) for touched in request.moved)
        return tuple(key for key in keys if key is not None)

    def _key(self, request: Request, touched: Touched, known: Mapping[str, Served]) -> Key | None:
        author = known.get(request.parties[self.types[touched.type].author])
        return None if author is None else (author.entity_id, touched.type, touched.object_id)

    async def _named(
        self,
        tx: Transaction,
        requests: Mapping[int, Request],
        *,
        moved: Mapping[int, tuple[Key, ...]],
        known: Mapping[str, Served],
    ) -> dict[int, tuple[Named, ...]]:
        """What requests hold: what they name, and what the document that they move refers to."""
        drawing = {n: r for n, r in requests.items() if _draws(r)}
        if not drawing:
            return {}
        numbers = await by_number(tx, set(self._numbers(drawing.values(), known)))
        following = {n: moved[n][0] for n, r in drawing.items() if r.message.follows and moved[n]}
        relations = await related(tx, set(following.values()))
        found: dict[int, tuple[Named, ...]] = {}
        for place, request in drawing.items():
            told = [
                self._told(t, key=self._key(request, t, known), numbers=numbers)
                for t in request.held
            ]
            follows = request.message.follows
            others = [k for k in relations.get(following.get(place, NOBODY), ()) if k[1] in follows]
            said = [Named(ref=f"{k[1]}/{k[2]}", key=k, touched=None) for k in others]
            found[place] = (*told, *said)
        return found

    def _shared(
        self, requests: Mapping[int, Request], moved: Mapping[int, tuple[Key, ...]]
    ) -> set[Claim]:
        """Shared numbers under which others are looked for: of what a message is about."""
        return {
            (*moved[place][0][:2], shared)
            for place, request in requests.items()
            if moved[place] and (shared := request.moved[0].shared) is not None
        }

    def _numbers(self, requests: Iterable[Request], known: Mapping[str, Served]) -> Iterator[Claim]:
        for request in requests:
            for touched in request.held:
                key = self._key(request, touched, known)
                if key is not None and not touched.object_id:
                    yield from ((*key[:2], claim) for claim in touched.claims)

    def _told(
        self, touched: Touched, *, key: Key | None, numbers: Mapping[Claim, Numbered]
    ) -> Named:
        if key is not None and not touched.object_id:
            asked = ((*key[:2], claim) for claim in touched.claims)
            found = [numbers[claim] for claim in asked if claim in numbers]
            meant = next((one for one in found if one.live), found[0] if found else None)
            key = (*key[:2], meant.object_id) if meant is not None else None
        return Named(ref=touched.path, key=key, touched=touched)

    async def _open(
        self, tx: Transaction, documents: Mapping[Key, Document], *, moved: Collection[Key]
    ) -> dict[str, OpenExchange]:
        """The exchanges that keep documents busy, with their deliveries locked.

        A request goes over those of documents that it moves; the bodies of others are left alone.
        """
        busy = {k: d.open_exchange for k, d in documents.items() if d.open_exchange is not None}
        ids = sorted(set(busy.values()))
        ending = {id_ for key, id_ in busy.items() if key in moved}
        exchanges = await load_exchanges(tx, ids, self.messages, ending=ending)
        deliveries = await lock_request_deliveries(tx, ids)
        return {id_: _opened(exchange, deliveries.get(id_)) for id_, exchange in exchanges.items()}

    def _holders(
        self, requests: Mapping[int, Request], moved: Mapping[int, tuple[Key, ...]]
    ) -> Iterator[Key]:
        """Documents for whose sake something was booked that a request may end."""
        for place, request in requests.items():
            if request.message.follows or request.message.resolves(request.action) is not None:
                yield from moved[place]

    async def _bodies(
        self,
        tx: Transaction,
        calls: Mapping[int, Sequence[NumberedRequest]],
        *,
        moved: Mapping[int, tuple[Key, ...]],
        named: Mapping[int, tuple[Named, ...]],
        documents: Mapping[Key, Document],
    ) -> Read:
        """Typed bodies by id of what is read: of the version in force, else of the current one.

        An exchange that moves a known document has more room: who answers cannot name less.
        """
        wanted: dict[int, list[Wanted]] = {place: [] for place in calls}
        for place, legs in calls.items():
            for number, leg in legs:
                own = [documents[key] for key in moved[number] if key in documents]
                others = [one.key for one in named.get(number, ()) if one.key in documents]
                ids = _read_by(leg, own, [documents[key] for key in others if key is not None])
                most = MOST_BYTES * (2 if documents.keys() & moved[number][:1] else 1)
                wanted[place].append(Wanted(ids=frozenset(ids), most=most))
        return await read_for(tx, wanted, self.messages)


def _read_by(
    request: Request, own: Sequence[Document], others: Sequence[Document]
) -> Iterator[str]:
    """The ids of the bodies that a request's rules look into."""
    if request.message.reads:
        yield from (one.body_in_force for one in (*own, *others))
    if request.message.amends:
        for one in own:
            if one.amended:
                yield from (one.body_in_force, one.body_id)


def _draws(request: Request) -> bool:
    """Whether it is judged with documents that it does not move."""
    return bool(request.held or request.message.follows)


def _opened(exchange: Exchange, delivery: RequestDelivery | None) -> OpenExchange:
    """A mailbox has no delivery: what is open towards one waits for its leader, and is not there yet."""
    return OpenExchange(
        exchange=exchange,
        leased=delivery is not None and delivery.leased,
        reached=delivery is not None and delivery.may_have_reached,
    )
