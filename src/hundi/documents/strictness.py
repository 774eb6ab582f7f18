"""How strict the rules that documents share are with one kind of document, and what they call it.

An order comes before its taxes are due and is warned; an invoice is refused; a note corrects what
was wrong already, so its lines' taxes are not asked about. (design rules, "Tolerances", "Tax kind")
"""

from dataclasses import dataclass, fields

from hundi.documents.sums import HALVES, LINE_TAX, LineTax
from hundi.kernel.faults import Code, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """The codes of the shared rules for one kind of document; `root` is its member of the body.

    `tax_kind` is given where the document says enough to know, `tax_kind_unsure` elsewhere.
    `line_tax` is None where the taxes of lines are not judged.
    """

    noun: str
    root: str
    same_parties: Code
    other_party: Code
    other_id: Code
    other_gstin: Code
    gstin: Code
    tax_without_gstin: Code
    tax_kind: Code
    tax_kind_unsure: Code
    hsn: Code
    service: Code
    line_twice: Code
    milestones: Code
    number_mismatch: Code
    line_tax: LineTax | None

    @property
    def codes(self) -> tuple[Code, ...]:
        """All of them, each once."""
        told = [getattr(self, one.name) for one in fields(self)]
        if self.line_tax is not None:
            told += [self.line_tax.odd, self.line_tax.off, self.line_tax.halves]
        return tuple(dict.fromkeys(value for value in told if isinstance(value, Code)))


_REFUSED = (
    ("same_parties", "SAME-PARTIES", "Buyer and supplier of the {noun} are the same B2B ID."),
    ("other_party", "OTHER-PARTY", "The {noun} names another party than the message."),
    ("gstin", "GSTIN", "The GSTIN is malformed or its check character is wrong."),
    ("tax_without_gstin", "TAX-WITHOUT-GSTIN", "Tax is charged by a supplier without a GSTIN."),
    ("number_mismatch", "NUMBER-MISMATCH", "The {noun} has another number."),
)
"""What is refused on every document: member, end of the code, meaning."""
_WARNED = (
    ("other_id", "OTHER-ID", "The {noun} names another B2B ID of the same business."),
    ("other_gstin", "OTHER-GSTIN", "The GSTIN is not one that the network knows of the party."),
    ("service", "SERVICE", "The HSN of a service starts with 99."),
    ("line_twice", "LINE-TWICE", "Two lines have the same serialno."),
    ("milestones", "MILESTONES", "The payment milestones do not make the {noun}'s total."),
)
"""What is warned about on every document."""
_TAX_KIND = "IGST against CGST and SGST does not fit the supply"


def strictness_of_supplies(stem: str, *, noun: str, root: str, strict: bool) -> Strictness:
    """The codes of a document that a supplier issues: an invoice, strictly, or a note."""
    judged = Kind.RULE if strict else Kind.WARNING

    def code(name: str, kind: Kind, meaning: str) -> Code:
        return Code(f"{stem}-{name}", kind, meaning.format(noun=noun))

    kind = code("TAX-KIND", judged, f"{_TAX_KIND}.")
    unsure = code("TAX-KIND-ODD", Kind.WARNING, f"{_TAX_KIND}, as far as the {{noun}} tells it.")
    line_tax = LineTax(
        odd=LINE_TAX,
        off=code("LINE-TAX", judged, "A tax is far from its rate of the taxable."),
        halves=code("TAX-HALVES", judged, "CGST and SGST are not half the tax each."),
    )
    refused = {member: code(name, Kind.RULE, meaning) for member, name, meaning in _REFUSED}
    warned = {member: code(name, Kind.WARNING, meaning) for member, name, meaning in _WARNED}
    return Strictness(
        noun=noun,
        root=root,
        tax_kind=kind,
        tax_kind_unsure=unsure if strict else kind,
        hsn=code("HSN", judged, "An HSN has 4, 6 or 8 digits."),
        line_tax=line_tax if strict else None,
        **refused,
        **warned,
    )


LINE_TAX_OF_ORDERS = LineTax(odd=LINE_TAX, off=LINE_TAX, halves=HALVES)
