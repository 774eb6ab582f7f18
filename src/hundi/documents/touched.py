"""How orders, invoices and notes name themselves and each other to the road. Pure.

All three carry `objectId`, `objectVersion`, a status transition and a number of their author's; a
document that they draw on is named by its network id, or by its number where it has none.
"""

from collections.abc import Sequence
from typing import Protocol

from hundi.documents.supply_shapes import EInvoiceInfo
from hundi.exchange.definition import Touched, Touches


class Version(Protocol):
    """`objectVersion`, whatever the numbers may be."""

    @property
    def currentVersion(self) -> int:  # noqa: N802 (the contract's name)
        """What the sender acts on."""

    @property
    def newVersion(self) -> int:  # noqa: N802
        """What it leads to."""


class Subject(Protocol):
    """The object of a body that the message is about."""

    @property
    def objectId(self) -> str:  # noqa: N802
        """The document's network id."""

    @property
    def objectVersion(self) -> Version:  # noqa: N802
        """Which content the sender acts on, and which one it leads to."""


def moved(
    subject: Subject,
    path: str,
    *,
    type_: str,
    transition: str,
    number: str,
    claim: str | None,
    tag: str = "",
) -> Touched:
    """The document that a message moves. `transition` and `number` are names of its members."""
    version, status = subject.objectVersion, getattr(subject, transition)
    return Touched(
        type=type_,
        how=Touches.MOVES,
        object_id=subject.objectId,
        number=getattr(subject, number),
        claim=claim,
        claim_tag=tag,
        current_version=version.currentVersion,
        new_version=version.newVersion,
        current_status=status.currentStatus,
        new_status=status.newStatus,
        path=path,
        transition=transition,
        number_member=number,
    )


def stateless(path: str, *, type_: str, object_id: str, number: str) -> Touched:
    """A document that a message moves and that has neither versions nor statuses on the wire."""
    return Touched(
        type=type_,
        how=Touches.MOVES,
        object_id=object_id,
        number=number,
        claim=None,
        current_version=None,
        new_version=None,
        current_status=None,
        new_status=None,
        path=path,
        transition="",
    )


def drawn_on(
    path: str, *, type_: str, object_id: str, number: object, claims: Sequence[str]
) -> tuple[Touched, ...]:
    """A document that a message draws on, if it names it: by its id, or by what it may have claimed.

    One that the network does not know is told and not refused.
    """
    if not object_id and not claims:
        return ()
    return (
        Touched(
            type=type_,
            how=Touches.HOLDS,
            object_id=object_id,
            number=number if isinstance(number, str) else "",
            claim=None if object_id else claims[0],
            or_claims=() if object_id else tuple(claims[1:]),
            current_version=None,
            new_version=None,
            current_status=None,
            new_status=None,
            path=path,
            transition="",
            required=False,
        ),
    )


def registered_as(info: EInvoiceInfo) -> str:
    """The IRN that a number which was used before has to come with again, "" where there is none."""
    return info.irnNumber.lower() if isinstance(info.irnNumber, str) else ""
