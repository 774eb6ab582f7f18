"""Whether the parties that a document names are those of its message, and its number its own. Pure.

Same party = same B2B ID, or the same PAN inside the GSTIN. (design rules, "Identifiers")
"""

from collections.abc import Iterator

from msgspec import UnsetType

from hundi.documents.shapes import B2BIds, BuyerDetails, SupplierDetails
from hundi.documents.strictness import Strictness
from hundi.exchange.views import Party, RuleContext
from hundi.kernel.faults import Code, Fault
from hundi.kernel.tax_ids import UNREGISTERED, gstin_fault, pan_inside


def parties_named(
    ids: B2BIds,
    *,
    supplier: SupplierDetails,
    buyer: BuyerDetails,
    context: RuleContext,
    codes: Strictness,
) -> Iterator[Fault]:
    """Both parties are the message's, by B2B ID or by the PAN inside the GSTIN."""
    if ids.buyerB2BId == ids.supplierB2BId:
        detail = f"Buyer and supplier are both {ids.buyerB2BId}. Name two parties."
        yield codes.same_parties.at("b2bIds.supplierB2BId", detail, b2bId=ids.buyerB2BId)
    for name, details, b2b_id in (
        ("supplierDetails", supplier, ids.supplierB2BId),
        ("buyerDetails", buyer, ids.buyerB2BId),
    ):
        path = f"{codes.root}.{name}"
        yield from _party(path, details, party=context.parties[b2b_id], codes=codes)


def _party(
    path: str, details: SupplierDetails | BuyerDetails, *, party: Party, codes: Strictness
) -> Iterator[Fault]:
    gstin = "" if isinstance(details.gstin, UnsetType) else details.gstin
    trouble = gstin_fault(gstin) if gstin not in UNREGISTERED else None
    if trouble is not None:
        yield codes.gstin.at(f"{path}.gstin", trouble, gstin=gstin)
    same_pan = pan_inside(gstin) == party.pan
    if details.b2bId != party.b2b_id:
        code = codes.other_id if same_pan else codes.other_party
        detail = f"The message is for {party.b2b_id}, this names {details.b2bId}. Name the same."
        facts = {"message": party.b2b_id, codes.noun: details.b2bId}
        yield code.at(f"{path}.b2bId", detail, **facts)
    elif (
        gstin not in UNREGISTERED
        and trouble is None
        and _unfamiliar(gstin, party, same_pan=same_pan)
    ):
        known = ", ".join(party.gstins) or f"PAN {party.pan[:2]}…{party.pan[-1]}"
        detail = f"{gstin} is not known of {party.b2b_id}; the network knows {known}."
        known_of = {"known": list(party.gstins)}
        yield codes.other_gstin.at(f"{path}.gstin", detail, **{codes.noun: gstin}, **known_of)


def _unfamiliar(gstin: str, party: Party, *, same_pan: bool) -> bool:
    if party.gstins:
        return gstin not in party.gstins
    return pan_inside(gstin) is not None and not same_pan


def number_is_kept(
    number: str, path: str, *, context: RuleContext, noun: str, code: Code
) -> Iterator[Fault]:
    """The number is the document's name in its author's books; a new number is a new document."""
    if context.document is not None and number != context.document.number:
        known = context.document.number
        detail = f"The {noun}'s number is {known}, not {number}. An edit keeps it."
        yield code.at(path, detail, number=known, stated=number)


def number_is_its_own(
    number: str, path: str, *, context: RuleContext, codes: Strictness
) -> Iterator[Fault]:
    """The number that an answer or a change gives is that of the document it names by id."""
    if context.document is not None and number != context.document.number:
        known = context.document.number
        detail = f"The {codes.noun}'s number is {known}, not {number}. Check which is meant."
        yield codes.number_mismatch.at(path, detail, number=known, stated=number)
