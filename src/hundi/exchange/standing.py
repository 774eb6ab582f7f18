"""What a sender is told about where a document stands: the refusals of the document stage. Pure."""

from collections.abc import Iterator

from hundi.exchange.definition import DocumentType, Move, Touched, VersionRule
from hundi.exchange.document import Document
from hundi.exchange.request import Request
from hundi.exchange.world import Moving
from hundi.kernel.clock import to_text
from hundi.kernel.faults import Code, Fault, Kind

UNKNOWN = Code(
    "DOC-UNKNOWN", Kind.UNKNOWN, "The sender is party to no such document. Check the objectId."
)
EXISTS = Code(
    "DOC-EXISTS",
    Kind.CONFLICT,
    "The author has a document with this objectId already. If it is the same one, it has arrived: send"
    " it under no other objectId.",
)
NUMBER_USED = Code(
    "DOC-NUMBER-USED",
    Kind.CONFLICT,
    "The author has a live document with this number in the same financial year, or had one that"
    " was registered (an IRN) and comes without that now.",
)
PARTIES = Code(
    "DOC-PARTIES", Kind.CONFLICT, "The document was made between other parties than those named."
)
BUSY = Code(
    "DOC-BUSY",
    Kind.BUSY,
    "Another exchange about the document is open. Wait until it has ended, then look again.",
)
STALE_VERSION = Code(
    "DOC-STALE-VERSION",
    Kind.CONFLICT,
    "The sender's version is not the stored one. Read the document again before changing it.",
)
STALE_STATUS = Code(
    "DOC-STALE-STATUS",
    Kind.CONFLICT,
    "The sender's status is not the stored one. Read the document again before changing it.",
)
NEXT_VERSION = Code(
    "DOC-NEXT-VERSION", Kind.CONFLICT, "The new version is not the number that comes next."
)
NO_MOVE = Code(
    "DOC-NO-MOVE", Kind.CONFLICT, "The document's life cycle does not allow this in its status."
)
WRONG_TARGET = Code(
    "DOC-WRONG-TARGET", Kind.RULE, "The new status is not the one that the action leads to."
)
CODES = (
    UNKNOWN, EXISTS, NUMBER_USED, PARTIES, BUSY,
    STALE_VERSION, STALE_STATUS, NEXT_VERSION, NO_MOVE, WRONG_TARGET,
)  # fmt: skip

BUSY_RETRY = 1


def exists(touched: Touched, kind: DocumentType, document: Document) -> Fault:
    """The author has this objectId in use."""
    edit = " To change it, edit it." if kind.edits else ""
    detail = (
        f"Your {kind.noun} {touched.object_id} exists already; it is {document.status}. If it is the"
        f" same one, it has arrived: send it under no other {touched.id_member}.{edit}"
    )
    return EXISTS.at(f"{touched.path}.{touched.id_member}", detail, **stored(document))


def stored(document: Document) -> dict[str, object]:
    """What a sender who missed something needs to go on."""
    return {
        "status": document.status,
        "version": document.version,
        "nextVersion": document.next_version,
        "missed": {
            "reqMsgId": document.last_exchange,
            "kind": document.last_step,
            "at": to_text(document.last_at),
        },
    }


def busy(path: str, kind: DocumentType, document: Document, *, member: str = "objectId") -> Fault:
    """Another exchange is open; told before anything else, since it may be about to settle."""
    detail = (
        f"Exchange {document.open_exchange} about the {kind.noun} is open."
        " Wait until it has ended, then read the document again."
    )
    context: dict[str, object] = {"reqMsgId": document.open_exchange}
    if document.version <= document.highest_version:  # one that the other side knows of, too
        context["version"] = document.version
    return BUSY.at(f"{path}.{member}", detail, **context)


def number_used(lost: Moving) -> Fault:
    """The number is that of another live document of the author."""
    touched = lost.touched
    detail = (
        f"A live {lost.kind.noun} of yours has the number {touched.number} in the same financial"
        " year, or one that has ended was registered under it. Use another number; or cancel the"
        " live one, or send the registration's reference (an IRN) again."
    )
    path = f"{touched.path}.{touched.number_member}".removesuffix(".")
    return NUMBER_USED.at(path, detail, number=touched.number)


def other_parties(kind: DocumentType, document: Document) -> Fault:
    """The document is between others than those that the message names."""
    detail = (
        f"{document.author_b2b} has made the {kind.noun} for {document.counterparty_b2b}."
        " Name these two, each in its role."
    )
    return PARTIES.at("b2bIds", detail)


def unknown(touched: Touched, kind: DocumentType) -> Fault:
    """The sender is party to no such document."""
    member = touched.id_member
    detail = f"You are party to no {kind.noun} {touched.object_id}. Check the {member}."
    return UNKNOWN.at(f"{touched.path}.{member}", detail)


def stale_version(touched: Touched, kind: DocumentType, document: Document) -> Iterator[Fault]:
    """A version that is not the stored one, with what was missed."""
    if touched.current_version not in {None, document.version}:
        detail = (
            f"The {kind.noun} is at version {document.version}, not {touched.current_version}."
            " Read it again before you change it."
        )
        path = f"{touched.path}.objectVersion.currentVersion"
        yield STALE_VERSION.at(path, detail, **stored(document))


def stale_status(touched: Touched, kind: DocumentType, document: Document) -> Iterator[Fault]:
    """A status that is not the stored one, with what was missed."""
    if touched.current_status not in {None, document.status}:
        detail = (
            f"The {kind.noun} is {document.status}, not {touched.current_status}."
            " Read it again before you change it."
        )
        path = f"{touched.path}.{touched.transition}.currentStatus"
        yield STALE_STATUS.at(path, detail, **stored(document))


def wrong_first_version(
    touched: Touched, kind: DocumentType, document: Document
) -> Iterator[Fault]:
    """A document that is made, or made anew, has the next free version."""
    wanted = document.version
    for name, value in (
        ("currentVersion", touched.current_version),
        ("newVersion", touched.new_version),
    ):
        if value not in {None, wanted}:
            detail = f"The next free version of the {kind.noun} is {wanted}, not {value}."
            path = f"{touched.path}.objectVersion.{name}"
            yield STALE_VERSION.at(path, detail, nextVersion=wanted)


def of_held(touched: Touched, kind: DocumentType, document: Document) -> Iterator[Fault]:
    """What a sender did not know of a document that it draws on: its version, its status."""
    yield from stale_version(touched, kind, document)
    yield from stale_status(touched, kind, document)
    yield from _wrong_version(touched, kind, document=document, edits=False)


def no_move(
    request: Request,
    kind: DocumentType,
    *,
    touched: Touched,
    document: Document,
    why: str = "",
) -> Fault:
    """The life cycle has no row for this, or one whose guard says no: `why` (`Guard.unless`)."""
    what = touched.action or request.action or request.message.name.removeprefix("req-")
    detail = f"The {kind.noun} is {document.status} and takes no {what} {why or 'now'}."
    path = f"{touched.path}.{touched.transition}.currentStatus"
    if touched.current_status is None:
        path = f"{touched.path}.{touched.id_member}"
    told = stored(document)
    if why:  # he has missed nothing
        del told["missed"]
    return NO_MOVE.at(path, detail, **told)


def wrong_numbers(
    touched: Touched, kind: DocumentType, *, document: Document, move: Move
) -> Iterator[Fault]:
    """A new status or version that the move does not lead to."""
    edits = move.version is VersionRule.NEXT
    # What somebody else has changed meanwhile comes first: a conflict, which says the free number.
    yield from _wrong_version(touched, kind, document=document, edits=edits)
    yield from wrong_target(touched, move.target)


def wrong_target(touched: Touched, target: str) -> Iterator[Fault]:
    """A new status that the message does not lead to."""
    if touched.new_status not in {None, target}:
        detail = f"This leads to {target}, not {touched.new_status}."
        path = f"{touched.path}.{touched.transition}.newStatus"
        yield WRONG_TARGET.at(path, detail, newStatus=target)


def _wrong_version(
    touched: Touched, kind: DocumentType, *, document: Document, edits: bool
) -> Iterator[Fault]:
    wanted = document.next_version if edits else document.version
    if touched.new_version not in {None, wanted}:
        detail = f"newVersion must be {wanted} here: the {kind.noun} " + (
            f"is at {document.version} and {wanted} is the next free number."
            if edits
            else "keeps its number."
        )
        path = f"{touched.path}.objectVersion.newVersion"
        yield NEXT_VERSION.at(path, detail, nextVersion=wanted)
