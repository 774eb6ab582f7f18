"""Who buys and sells, by B2B ID and GSTIN; HSN and serial numbers of lines."""

from copy import deepcopy
from typing import Any

from hundi.simulator import story
from tests.documents.bodies import SECOND_UNIT, Body, line, order_of, put, small
from tests.documents.cases import Case, of

LENDER, LENDERS_GSTIN = "ZZZCP0702M@BCB", "29ZZZCP0702M1ZO"


def _supplier(**members: str) -> Body:
    return put(story.order(1), **{f"supplierDetails__{n}": v for n, v in members.items()})


def _buyer_form(name: str, gstin: str, why: str) -> Case:
    """A form of GSTIN that has no PAN inside or no check character; the network knows it."""
    return Case(
        name=f"gstin-{name}", why=why, body=put(story.order(1), buyerDetails__gstin=gstin),
        gstins={story.BUYER.b2b_id: (gstin,)},
    )  # fmt: skip


def _to_itself() -> Body:
    body = deepcopy(story.order(1))
    body["b2bIds"]["supplierB2BId"] = story.BUYER.b2b_id
    buyer = body["purchaseOrder"]["buyerDetails"]
    details = {name: value for name, value in buyer.items() if name != "placeOfSupply"}
    return put(body, supplierDetails=details)


_IDS = (
    Case(
        name="other-b2b-id-of-the-business", body=_supplier(b2bId=f"{story.SUPPLIER.gstin}@BCB"),
        why="The GSTIN holds the PAN of the party that the message is for.",
        findings=of("supplierDetails.b2bId", "PO-OTHER-ID"),
    ),
    Case(
        name="other-b2b-id-of-the-buyer", why="The same for the buyer.",
        body=put(story.order(1), buyerDetails__b2bId=f"{story.BUYER.gstin}@BCB"),
        findings=of("buyerDetails.b2bId", "PO-OTHER-ID"),
    ),
    Case(
        name="other-party", body=_supplier(b2bId=LENDER, gstin=LENDERS_GSTIN),
        why="Neither the B2B ID nor the PAN is that of the message.",
        findings=of("supplierDetails.b2bId", "PO-OTHER-PARTY"),
    ),
    Case(
        name="other-party-without-gstin", why="Without a GSTIN only the B2B ID tells who it is.",
        body=put(story.order(1), buyerDetails__b2bId=LENDER, buyerDetails__gstin=None),
        findings=of("buyerDetails.b2bId", "PO-OTHER-PARTY"),
    ),
    Case(
        name="other-registration", why="Another unit in the same state, same PAN.",
        body=_supplier(gstin=SECOND_UNIT),
        findings=of("supplierDetails.gstin", "PO-OTHER-GSTIN"),
    ),
    Case(
        name="other-registration-none-known", body=_supplier(gstin=SECOND_UNIT),
        why="The network knows the PAN alone, and it is inside.",
        gstins={story.SUPPLIER.b2b_id: ()},
    ),
    Case(
        name="foreign-pan-none-known", body=_supplier(gstin=LENDERS_GSTIN),
        why="The PAN inside is another business's.", gstins={story.SUPPLIER.b2b_id: ()},
        findings=of("supplierDetails.gstin", "PO-OTHER-GSTIN"),
    ),
    Case(
        name="same-parties", why="Nobody orders from himself; 27 to 27 takes CGST and SGST.",
        body=_to_itself(),
        findings=(("PO-SAME-PARTIES", "b2bIds.supplierB2BId"), *of("itemLists", "PO-TAX-KIND")),
    ),
)  # fmt: skip

_GSTINS = (
    Case(
        name="gstin-check-character", body=_supplier(gstin="33ZZZFM3301Q1ZA"),
        why="The check character is N.", findings=of("supplierDetails.gstin", "PO-GSTIN"),
    ),
    Case(
        name="gstin-form", body=_supplier(gstin="330000000000000"),
        why="Fifteen characters, and no GSTIN.", findings=of("supplierDetails.gstin", "PO-GSTIN"),
    ),
    Case(
        name="gstin-and-party-wrong", why="All that is wrong is told at once.",
        body=put(story.order(1), buyerDetails__b2bId=LENDER, buyerDetails__gstin="29ZZZCP0702M1ZA"),
        findings=(*of("buyerDetails.gstin", "PO-GSTIN"),
                  *of("buyerDetails.b2bId", "PO-OTHER-PARTY")),
    ),
    _buyer_form("united-nations", "2717UNO00001UNX", "A UIN of a body of the United Nations."),
    _buyer_form("notified-person", "2717GOV00001ONX", "A UIN of another notified person."),
    _buyer_form("non-resident", "2717USA29013NR1", "A non-resident taxable person."),
    _buyer_form("foreign-services", "9917USA29013OS1", "Services from abroad (OIDAR)."),
    _buyer_form("government", "27MUMB12345C1Z5", "A department of the government, by its TAN."),
    _buyer_form("deductor", "27MUMB12345C1D5", "A government office that deducts tax, by its TAN."),
    _buyer_form("collector", "27MUMB12345C1C5", "An operator that collects tax, by its TAN."),
    Case(
        name="buyer-unregistered", why="URP: the buyer has no GSTIN.",
        body=put(story.order(1), buyerDetails__gstin="URP"),
    ),
    Case(
        name="place-of-supply-from-the-state", why="No place of supply is told: the state counts.",
        body=put(story.order(1), buyerDetails__placeOfSupply=None, buyerDetails__stateCode="33"),
        findings=of("itemLists", "PO-TAX-KIND"),
    ),
    Case(
        name="place-of-supply-in-letters", why="MH and nothing else: the kind is not judged.",
        body=put(story.order(1), buyerDetails__placeOfSupply="MH", buyerDetails__stateCode="MH"),
    ),
)  # fmt: skip


def _coded(name: str, why: str, *codes: str, **members: Any) -> Case:
    order = small(taxable="1000.00", value="1180.00", figures={"IGST": "180.00"}, **members)
    return Case(name=name, why=why, body=order, findings=of("itemLists[0].hsnCode", *codes))


_LINES = (
    _coded("hsn-four-digits", "A chapter heading.", hsnCode="5205"),
    _coded("hsn-six-digits", "A subheading.", hsnCode="520524"),
    _coded("hsn-seven-digits", "4, 6 or 8 are used.", "PO-HSN", hsnCode="5205241"),
    _coded("hsn-five-digits", "4, 6 or 8 are used.", "PO-HSN", hsnCode="52052"),
    _coded("hsn-none", "Optional on orders.", hsnCode=""),
    _coded("hsn-of-a-service", "Services start with 99.", hsnCode="998311", isService="YES"),
    _coded("hsn-of-goods-on-a-service-in-small-letters", "yes is YES.", "PO-HSN", isService="yes"),
    _coded("hsn-of-goods-on-a-service", "Yarn is no service.", "PO-HSN", isService="YES"),
    Case(
        name="serialno-twice", why="Which of the two does an invoice mean?",
        body=order_of(
            [line(taxable="100.00", rate="0", value="100.00", serialno=n) for n in ("1", "2", "1")],
            taxable="300.00", total="300.00",
        ),
        findings=of("itemLists[0].serialno", "PO-LINE-TWICE")
        + of("itemLists[2].serialno", "PO-LINE-TWICE"),
    ),
)  # fmt: skip

CASES = (*_IDS, *_GSTINS, *_LINES)
