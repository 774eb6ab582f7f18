"""A stored body that was erased: what needs it is refused, and what can do without it goes on."""

from collections.abc import Iterator

from hundi.exchange.views import DocumentView
from hundi.kernel.faults import Code, Fault, Kind

ERASED = Code(
    "DOC-BODY-ERASED",
    Kind.RULE,
    "The content of a document was erased; what has to read it cannot be done any more.",
)
CODES = (ERASED,)


def erased(path: str, *, what: str, advice: str) -> Fault:
    """The refusal of what has to read it: `erased("bid", what="The bid BID-A1", advice="Refuse it.")`."""
    detail = f"{what} was erased, and this cannot be judged without its content. {advice}"
    return ERASED.at(path, detail, erased=what)


def accepted_unread(
    response: str, document: DocumentView | None, *, path: str, noun: str
) -> Iterator[Fault]:
    """The refusal of an ACCEPT whose document counts by its own text, where that was erased."""
    if response == "ACCEPT" and document is not None and document.body is None:
        yield erased(
            path, what=f"{noun} {document.number}", advice="Reject it, and have it sent anew."
        )
