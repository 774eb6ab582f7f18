"""Who may charge tax, and which: IGST, or CGST and SGST. Pure.

Supplier's state against place of supply (96 is export). SEZ and export always take IGST, and so
does what says `igstChargable`. (design rules, "Tax kind")
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from hundi.documents.shapes import BuyerDetails, SupplierDetails
from hundi.documents.strictness import Strictness
from hundi.kernel.faults import Fault
from hundi.kernel.money import Money
from hundi.kernel.states import state_of
from hundi.kernel.tax_ids import UNREGISTERED

_WHOM = {"SEZ": "to a special economic zone", "EXP": "abroad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What a document tells about the tax of its supply, and the taxes it charges."""

    supplier: SupplierDetails
    buyer: BuyerDetails
    charged: Mapping[str, Money]
    supply_type: str | UnsetType = UNSET
    reverse_charge: str | UnsetType = UNSET
    igst: str | UnsetType = UNSET

    @property
    def gstin(self) -> str:
        """The supplier's GSTIN, or what stands for none."""
        return "" if isinstance(self.supplier.gstin, UnsetType) else self.supplier.gstin

    @property
    def place(self) -> str | None:
        """The state of supply in digits, or the buyer's where that is all that is told."""
        return _state(self.buyer.placeOfSupply) or _state(self.buyer.stateCode)

    @property
    def forced(self) -> str | None:
        """Why IGST applies whatever the states are; None where it does not."""
        kind = self.supply_type.upper()[:3] if isinstance(self.supply_type, str) else ""
        if kind in _WHOM:
            return f"A supply {_WHOM[kind]} ({self.supply_type})"
        if says_yes(self.igst):
            return "A supply with igstChargable YES"
        return None

    @property
    def may_leave_out_tax(self) -> bool:
        """Under reverse charge, and for abroad or a SEZ, sums are with or without the tax shown.

        What is not told is not judged.
        """
        told = (self.supply_type, self.reverse_charge)
        if any(isinstance(one, UnsetType) for one in told) or says_yes(self.reverse_charge):
            return True
        return str(self.supply_type).strip().upper()[:3] in _WHOM

    @property
    def told(self) -> bool:
        """Whether the document says enough to know its tax: kind and place of the supply."""
        return bool(self.supply_type) and _state(self.buyer.placeOfSupply) is not None


def says_yes(text: str | UnsetType) -> bool:
    """Whether an optional YES or NO is a YES, in any letters."""
    return isinstance(text, str) and text.strip().upper() in {"YES", "Y"}


def _state(text: str | UnsetType) -> str | None:
    return state_of(text) if isinstance(text, str) else None


def tax_identity(supply: Supply, codes: Strictness) -> Iterator[Fault]:
    """No GSTIN, no tax; and the kind of tax follows supplier's state and place of supply.

    Where the buyer owes the tax himself (reverse charge), a tax that is shown is not charged.
    """
    charged = supply.charged
    if supply.gstin in UNREGISTERED:
        if charged and not says_yes(supply.reverse_charge):
            detail = (
                f"The supplier has no GSTIN and may charge no tax; this charges {_listed(charged)}."
                " Give the GSTIN, or no tax."
            )
            path = f"{codes.root}.supplierDetails.gstin"
            yield codes.tax_without_gstin.at(path, detail, **_texts(charged))
        return
    if supply.forced is not None:
        yield from _wrong_tax(supply, codes, between=True, why=supply.forced, known=True)
    elif supply.place is not None:
        state, place = supply.gstin[:2], supply.place
        why = f"A supply from state {state} to {place}"
        known = supply.told
        yield from _wrong_tax(supply, codes, between=state != place, why=why, known=known)


def _wrong_tax(
    supply: Supply, codes: Strictness, *, between: bool, why: str, known: bool
) -> Iterator[Fault]:
    kinds = ("CGST", "SGST") if between else ("IGST",)
    wrong = {kind: supply.charged[kind] for kind in kinds if kind in supply.charged}
    if not wrong:
        return
    right = "IGST" if between else "CGST and SGST"
    detail = f"{why} takes {right}, not {_listed(wrong)}."
    facts = _texts(wrong)
    if supply.forced is None:
        facts |= {"supplier": supply.gstin[:2], "placeOfSupply": str(supply.place)}
    code = codes.tax_kind if known else codes.tax_kind_unsure
    yield code.at(f"{codes.root}.itemLists", detail, **facts)


def _listed(amounts: Mapping[str, Money]) -> str:
    return ", ".join(f"{label} {amount.text()}" for label, amount in amounts.items())


def _texts(amounts: Mapping[str, Money]) -> dict[str, str]:
    return {label: amount.text() for label, amount in amounts.items()}
