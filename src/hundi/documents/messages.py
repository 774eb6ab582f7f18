"""How a document declares its messages: which way they go, and what they do, spelt out.

Each function is written down with the body that it takes, so that a type checker reads the
declaration: a rule of another message's body, or of another signature, does not pass.
"""

from collections.abc import Callable, Mapping
from typing import TypedDict

from hundi.exchange.definition import Ack, DocumentType, MessageType, Touched
from hundi.exchange.route import Route
from hundi.exchange.views import Body, BodyRule, Posting, Rule, RuleContext

BUYER, SUPPLIER = "buyer", "supplier"
TRADERS = {BUYER: "buyerB2BId", SUPPLIER: "supplierB2BId"}
"""The two sides of a trade, and the members of `b2bIds` that name them."""


class Way(TypedDict):
    """What is moved by which call, where it is called and told, and who speaks to whom."""

    name: str
    document: DocumentType
    path: str
    forward: str
    inform: str
    roles: Mapping[str, str]
    sender: str
    receiver: str


def between_traders(document: DocumentType, name: str, *, sender: str) -> Way:
    """The way of most messages: its paths are named after the document, its parties trade with it."""
    road = f"api/v0/{document.name}/{name}"
    return {
        "name": name,
        "document": document,
        "path": f"/{road}",
        "forward": road,
        "inform": road.replace("/req-", "/resp-"),
        "roles": TRADERS,
        "sender": sender,
        "receiver": SUPPLIER if sender == BUYER else BUYER,
    }


def message(
    way: Way,
    *,
    body: type[Body],
    subject: str,
    informs: tuple[str, ...],
    touches: Callable[[Body], tuple[Touched, ...]],
    action: Callable[[Body], str | None],
    ack: Ack,
    body_rules: tuple[BodyRule[Body], ...],
    rules: tuple[Rule[Body], ...],
    reads: bool,
    amends: bool,
    follows: tuple[str, ...],
    postings: Callable[[Body, RuleContext], tuple[Posting, ...]],
    resolves: Callable[[str | None], bool | None],
    route: Route | None,
) -> MessageType:
    """A message whose functions all take its own body; the members are those of `MessageType`."""
    return MessageType(
        **way,
        body=body,
        subject=subject,
        informs=informs,
        touches=touches,
        action=action,
        ack=ack,
        body_rules=body_rules,
        rules=rules,
        reads=reads,
        amends=amends,
        follows=follows,
        postings=postings,
        resolves=resolves,
        route=route,
    )


def no_action(_body: object) -> None:
    """The `action` of a message whose body carries none, or whose route tells it."""


def books_nothing(_body: object, _context: RuleContext) -> tuple[Posting, ...]:
    """The `postings` of a message that moves no money."""
    return ()


def resolves_nothing(_action: str | None) -> None:
    """The `resolves` of a message after which nothing that was reserved is posted or voided."""
