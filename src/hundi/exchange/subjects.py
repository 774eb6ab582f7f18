"""The document stage of judging: which documents a request moves and holds, and where they stand. Pure.

Of each kind of trouble all documents are told at once: first what nobody knows, then what exists or
is others', then what is busy, then what its sender believes wrongly, then what no life cycle allows.
"""

from collections.abc import Iterator, Sequence
from copy import copy

import msgspec

from hundi.exchange.definition import DocumentType, Touched
from hundi.exchange.document import Document
from hundi.exchange.journal import GENESIS
from hundi.exchange.request import Refused, Request
from hundi.exchange.standing import (
    BUSY_RETRY,
    busy,
    exists,
    no_move,
    of_held,
    other_parties,
    stale_status,
    stale_version,
    unknown,
    wrong_first_version,
    wrong_numbers,
)
from hundi.exchange.world import Held, Moving, Named, OpenExchange, World
from hundi.kernel.faults import Fault


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A document that a request wants to move. `stored` is None where its sender may know of none.

    `first` are the states from which the message creates documents of its kind.
    """

    kind: DocumentType
    touched: Touched
    stored: Document | None
    first: Sequence[str]

    @property
    def creates(self) -> bool:
        """Whether the message makes the document, or makes it anew."""
        return self.stored is None or self.stored.status in self.first


def moved_and_held(
    request: Request, world: World, named: Sequence[Named]
) -> tuple[tuple[Moving, ...], tuple[Held, ...]] | Refused:
    """How the request moves its documents, and what it holds; or why it does not."""
    subjects = [_subject(request, world, touched) for touched in request.moved]
    held, strange = _held(request, world, named)
    nowhere = [
        unknown(one.touched, one.kind) for one in subjects if one.stored is None and not one.first
    ]
    if nowhere or strange:
        return Refused((*nowhere, *strange))
    stored = [one for one in subjects if one.stored is not None]
    others = [fault for one in stored for fault in _not_so(request, one)]
    if others:
        return Refused(tuple(others))
    overs = [_over(request, world, one) for one in subjects]
    shut = _busy(world, subjects, overs=overs, held=held)
    if shut:
        return Refused(shut, BUSY_RETRY)
    documents = [_as_moved(request, world, one) for one in subjects]
    faults = [
        fault
        for one, document in zip(subjects, documents, strict=True)
        for fault in _stale(one, document)
    ]
    faults += _stale_held(world, held)
    if faults:
        return Refused(tuple(faults))
    moving = _moving(request, world, subjects=subjects, documents=documents, overs=overs)
    return moving if isinstance(moving, Refused) else (moving, held)


def _subject(request: Request, world: World, touched: Touched) -> Subject:
    kind = world.types[touched.type]
    document = world.papers.documents.get(world.key(request, touched))
    if document is not None and not _knows(request, document, world):
        document = None
    first = kind.first(request.message.name)
    return Subject(kind=kind, touched=touched, stored=document, first=first)


def _held(
    request: Request, world: World, named: Sequence[Named]
) -> tuple[tuple[Held, ...], list[Fault]]:
    """The documents that are held, each once, and faults for those that must be known and are not."""
    found: dict[object, Held] = {}
    strange: list[Fault] = []
    for one in named:
        document = world.papers.documents.get(one.key) if one.key is not None else None
        if document is not None and _may_hold(request, document, one.touched, world=world):
            held = Held(
                ref=one.ref,
                document=document,
                touched=one.touched,
                stakeholder=world.stakes.get(document.key),
            )
            found.setdefault(one.key, held)
        elif one.touched is not None:
            strange.extend(_not_to_be_held(request, one.touched, document, world=world))
    return tuple(found.values()), strange


def _may_hold(
    request: Request, document: Document, touched: Touched | None, *, world: World
) -> bool:
    """Whether a document that is named beside the moved one is that of the parties it should be of.

    One that the moved document refers to was judged when it was named. Who answers may not have
    seen it yet, and what the moved one draws on it counts all the same.
    """
    if touched is None:
        return True
    if not _between(request, document, touched, world=world):
        return False
    return _party_to(request, document, world)


def _between(request: Request, document: Document, touched: Touched, *, world: World) -> bool:
    roles = touched.between or (request.message.sender, request.message.receiver)
    parties = world.entities(request.parties[role] for role in roles)
    if document.author_entity == document.counterparty_entity:  # two branches of one business
        author = request.parties[world.types[touched.type].author]
        return parties == {document.author_entity} and author == document.author_b2b
    return {document.author_entity, document.counterparty_entity} == parties


def _not_to_be_held(
    request: Request, touched: Touched, document: Document | None, *, world: World
) -> Iterator[Fault]:
    """What a sender is told who may know of the document, and who may not.

    One that the sender's system has declined to hold is told as it can be read.
    """
    kind = world.types[touched.type]
    if (
        document is not None
        and _between(request, document, touched, world=world)
        and _knows(request, document, world)
    ):
        yield no_move(request, kind, touched=touched, document=document)
    elif touched.required:
        yield unknown(touched, kind)


def _knows(request: Request, document: Document, world: World) -> bool:
    """Whether the sender may know of the document at all: it reached him, even if he declined it."""
    if _party_to(request, document, world):
        return True
    sender = world.parties[request.sender_b2b].entity_id
    return sender == document.counterparty_entity and document.key in world.shown


def _party_to(request: Request, document: Document, world: World) -> bool:
    """Whether the sender made the document, or holds it or may do so."""
    sender = world.parties[request.sender_b2b]
    if sender.entity_id == document.author_entity:
        return True
    if sender.entity_id != document.counterparty_entity:
        return False
    opened = world.opened(document)
    return document.highest_version > 0 or (opened is not None and opened.reached)


def _not_so(request: Request, one: Subject) -> Iterator[Fault]:
    """The document exists where it should not, or was made between others."""
    if one.stored is None:
        return
    author, other = _sides(request, one.kind)
    same = (one.stored.author_b2b, one.stored.counterparty_b2b) == (author, other)
    if one.first and not one.creates:
        yield exists(one.touched, one.kind, one.stored)
    elif not same:
        yield other_parties(one.kind, one.stored)


def _over(request: Request, world: World, one: Subject) -> OpenExchange | None:
    """A sender may withdraw over its own open proposal, but not over another withdrawal."""
    if one.stored is None or one.creates or request.action is None:
        return None
    over = world.opened(one.stored)
    if over is None or request.action != one.kind.withdrawal:
        return None
    own = over.exchange.sender_b2b == request.sender_b2b  # a client may serve both parties
    withdrawing = any(m.target in one.kind.released for m in over.exchange.moves)
    return over if own and not withdrawing and not over.leased else None


def _busy(
    world: World,
    subjects: Sequence[Subject],
    *,
    overs: Sequence[OpenExchange | None],
    held: Sequence[Held],
) -> tuple[Fault, ...]:
    """Every document that has to wait for another exchange. Drawing waits only for what shuts one."""
    found = [
        busy(one.touched.path, one.kind, one.stored, member=one.touched.id_member)
        for one, over in zip(subjects, overs, strict=True)
        if one.stored is not None and one.stored.open_exchange is not None and over is None
    ]
    for one in held:
        opened = world.opened(one.document)
        draws = one.touched is not None
        if draws and opened is not None and opened.shuts(one.document.key):
            found.append(busy(one.ref, world.types[one.document.type], one.document))
    return tuple(found)


def _as_moved(request: Request, world: World, one: Subject) -> Document:
    """The document as the move finds it: as its author's message makes it, or as it is stored."""
    if one.stored is None:
        return _created(request, world, one.touched)
    if not one.creates:
        return one.stored
    again = copy(one.stored)
    again.version = one.stored.next_version
    again.number, again.claim = one.touched.number, one.touched.claim
    return again


def _sides(request: Request, kind: DocumentType) -> tuple[str, str]:
    """The B2B IDs of a moved document's author and of its counterparty, by their roles."""
    author, other = request.parties[kind.author], request.receiver_b2b
    return author, request.sender_b2b if author == other else other


def _created(request: Request, world: World, touched: Touched) -> Document:
    kind = world.types[touched.type]
    author, other = _sides(request, kind)
    return Document(
        author_entity=world.parties[author].entity_id,
        type=touched.type,
        object_id=touched.object_id,
        author_b2b=author,
        counterparty_entity=world.parties[other].entity_id,
        counterparty_b2b=other,
        number=touched.number,
        claim=touched.claim,
        status=kind.initial,
        version=1,
        agreed_version=None,
        highest_version=0,
        open_exchange=None,
        body_id="",
        agreed_body_id=None,
        head_sequence=0,
        head_hash=GENESIS,
        last_exchange="",
        last_step="",
        last_at=world.now,
        updated_at=world.now,
        status_at=world.now,
        created_at=world.now,
    )


def _stale(one: Subject, document: Document) -> Iterator[Fault]:
    if one.creates:
        yield from stale_status(one.touched, one.kind, document)
        yield from wrong_first_version(one.touched, one.kind, document)
    else:
        yield from stale_version(one.touched, one.kind, document)
        yield from stale_status(one.touched, one.kind, document)


def _stale_held(world: World, held: Sequence[Held]) -> list[Fault]:
    return [
        fault
        for one in held
        if one.touched is not None
        for fault in of_held(one.touched, world.types[one.document.type], one.document)
    ]


def _moving(
    request: Request,
    world: World,
    *,
    subjects: Sequence[Subject],
    documents: Sequence[Document],
    overs: Sequence[OpenExchange | None],
) -> tuple[Moving, ...] | Refused:
    """The rows of the life cycles, and whether the numbers are those that they lead to."""
    moving: list[Moving] = []
    nowhere: list[Fault] = []
    for one, document, over in zip(subjects, documents, overs, strict=True):
        action = request.action if one.touched.action is None else one.touched.action
        view = world.view(document, one.touched.path)
        move = one.kind.move(on=request.message.name, action=action, view=view)
        if move is None:
            why = one.kind.hindered(on=request.message.name, action=action, status=view.status)
            nowhere.append(
                no_move(request, one.kind, touched=one.touched, document=document, why=why)
            )
            continue
        moving.append(
            Moving(
                kind=one.kind,
                touched=one.touched,
                move=move,
                document=document,
                view=view,
                stored=one.stored,
                over=over,
            )
        )
    if nowhere:
        return Refused(tuple(nowhere))
    wrong = [
        fault
        for one in moving
        for fault in wrong_numbers(one.touched, one.kind, document=one.document, move=one.move)
    ]
    return Refused(tuple(wrong)) if wrong else tuple(moving)
