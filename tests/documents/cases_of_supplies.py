"""Section 12 of the trade story as invoices, and who may issue them."""

from decimal import Decimal
from typing import Any

from hundi.simulator import story, story_supplies
from tests.documents.bodies import SECOND_UNIT, Body, line, put
from tests.documents.cases import Case
from tests.documents.supplies import at, bill, sent, small

ITEM = "itemLists[0]"
LENDER, LENDERS_GSTIN = "ZZZCP0702M@BCB", "29ZZZCP0702M1ZO"
_SUPPLIER = story.SUPPLIER.b2b_id
_TAXES, _KIND = f"{ITEM}.itemValueDetails", at("itemLists", "INV-TAX-KIND")


def _within(central: str, state: str, value: str) -> Body:
    return small(
        taxable="1234.57", rate="5", value=value, figures={"CGST": central, "SGST": state},
        changes={"buyerDetails__placeOfSupply": "33"},
    )  # fmt: skip


def _halves_of_document(central: str, state: str) -> Body:
    return small(
        taxable="1000.00", value="1180.00", of_document={"CGST": central, "SGST": state},
        changes={"buyerDetails__placeOfSupply": "33"},
    )  # fmt: skip


def _taxed(igst: str, total: str, *, supply: str, rate: str = "18", taxable: str = "100000.00",
           place: str = "27", **changes: Any) -> Body:  # fmt: skip
    return small(
        taxable=taxable, value=total, rate=rate, figures={"IGST": igst},
        changes={"transactionDetails__supplyType": supply, "buyerDetails__placeOfSupply": place,
                 **changes},
    )  # fmt: skip


def _of_twelve_thousand(value: str, *, rate: str, **changes: Any) -> Body:
    """Of its tax the rate alone is told."""
    return small(taxable="12000.00", value=value, rate=rate, changes=changes)


_REVERSE: dict[str, Any] = {
    "supply": "B2B", "rate": "5", "taxable": "25000.00",
    "transactionDetails__reverseChargeTax": "YES",
}  # fmt: skip

_CASES_OF_THE_STORY = (
    sent("one-state-odd-paisa", "Halves of 30.86 each.", _within("30.86", "30.86", "1296.29")),
    sent("one-state-halves-a-paisa-apart", "One half got the odd paisa.",
         _within("30.87", "30.86", "1296.30")),
    sent("one-state-halves-two-paise-apart", "More than rounding can do.",
         _within("30.87", "30.85", "1296.29"), *at(_TAXES, "INV-TAX-HALVES")),
    sent("one-state-all-in-one-half", "61.73 and nothing.", _within("61.73", "0.00", "1296.30"),
         *at(_TAXES, "INV-TAX-HALVES")),
    sent("halves-on-the-document-alone", "180.00 and nothing, in the totals alone.",
         _halves_of_document("180.00", "0.00"),
         *at("valueDetails.valueInfos", "INV-TAX-HALVES")),
    sent("halves-on-the-document-a-rupee-apart", "Rounded per line, and at that by the half.",
         _halves_of_document("90.50", "89.50")),
    sent("tax-of-the-document-beyond-its-rates", "18 % of 1000.00 is 180.00, a rupee is rounding.",
         small(taxable="1000.00", value="1180.00", total="1181.01",
               of_document={"IGST": "181.01"}), *at("valueDetails.valueInfos", "INV-LINE-TAX")),
    sent("tax-of-the-document-with-its-freight", "18 % on 100.00 of freight too.",
         small(taxable="1000.00", value="1050.00", total="1168.00", rate="5",
               of_document={"IGST": "68.00", "FREIGHT": "100.00"})),
    sent("tax-of-the-document-below-its-rates", "Of two lines one bears nothing.",
         bill([line(taxable="1000.00", value="1180.00"),
               line(taxable="500.00", value="500.00", serialno="2")],
              taxable="1500.00", total="1680.00", figures={"IGST": "180.00"})),
    sent("one-half-on-the-document", "SGST may go by another name: UTGST.",
         small(taxable="1000.00", value="1180.00",
               of_document={"CGST": "90.00", "UTGST": "90.00"},
               changes={"buyerDetails__placeOfSupply": "33"})),
    sent("sez-without-payment", "SEZWOP: nil tax always passes.",
         _taxed("0.00", "100000.00", supply="SEZWOP")),
    sent("sez-in-the-same-state", "SEZ is always between states.",
         _taxed("18000.00", "118000.00", supply="SEZWP", place="33")),
    sent("sez-with-halves", "A SEZ takes IGST, wherever it is.",
         small(taxable="100000.00", value="118000.00",
               figures={"CGST": "9000.00", "SGST": "9000.00"},
               changes={"transactionDetails__supplyType": "SEZWP",
                        "buyerDetails__placeOfSupply": "33"}), *_KIND),
    sent("export-without-payment", "EXPWOP: to nobody registered, place of supply 96.",
         _taxed("0.00", "250000.00", supply="EXPWOP", taxable="250000.00", place="96",
                buyerDetails__gstin="URP")),
    sent("export-with-payment", "The tax is paid, and left out of the total.",
         put(_taxed("45000.00", "250000.00", supply="EXPWP", taxable="250000.00", place="96"),
             buyerDetails__gstin="URP")),
    sent("export-with-halves", "Goods handed over in the supplier's state and sent abroad.",
         small(taxable="1000.00", value="1180.00", figures={"CGST": "90.00", "SGST": "90.00"},
               changes={"buyerDetails__placeOfSupply": "33",
                        "transactionDetails__supplyType": "EXPWP"}), *_KIND),
    sent("reverse-charge-shown", "The tax is shown and not charged: 25000.00 is due.",
         _taxed("1250.00", "25000.00", **_REVERSE)),
    sent("reverse-charge-in-the-total", "The registry takes both: due as stated.",
         _taxed("1250.00", "26250.00", **_REVERSE)),
    sent("igst-forced-in-one-state", "igstChargable YES.",
         _taxed("18000.00", "118000.00", supply="B2B", place="33",
                transactionDetails__igstChargable="YES")),
    sent("halves-where-igst-is-forced", "igstChargable YES, and two halves.",
         small(taxable="1000.00", value="1180.00", figures={"CGST": "90.00", "SGST": "90.00"},
               changes={"buyerDetails__placeOfSupply": "33",
                        "transactionDetails__igstChargable": "YES"}), *_KIND),
    sent("igst-in-one-state", "33 to 33 takes CGST and SGST.",
         _taxed("18000.00", "118000.00", supply="B2B", place="33"), *_KIND),
    sent("igst-in-one-state-in-letters", "TN is 33.",
         _taxed("18000.00", "118000.00", supply="B2B", place="TN"), *_KIND),
    sent("igst-to-a-state-that-is-none", "Nobody knows 77: its tax is not judged.",
         _taxed("18000.00", "118000.00", supply="B2B", place="77")),
    sent("igst-in-one-state-kind-not-told", "No supply type: it may be a SEZ.",
         _taxed("18000.00", "118000.00", supply="", place="33"),
         *at("itemLists", "INV-TAX-KIND-ODD")),
    sent("igst-in-one-state-place-not-told", "No place of supply: the buyer's state hints at it.",
         small(taxable="1000.00", value="1180.00", figures={"IGST": "180.00"},
               changes={"buyerDetails__placeOfSupply": None, "buyerDetails__stateCode": "33"}),
         *at("itemLists", "INV-TAX-KIND-ODD")),
    sent("composition-dealer", "A bill of supply bears no tax.",
         small(taxable="12000.00", rate="0", value="12000.00")),
    sent("tax-without-gstin", "Nobody charges tax without a registration.",
         small(taxable="1000.00", value="1180.00", figures={"IGST": "180.00"},
               changes={"supplierDetails__gstin": "URP"}),
         *at("supplierDetails.gstin", "INV-TAX-WITHOUT-GSTIN"), gstins={_SUPPLIER: ()}),
    sent("rate-without-gstin", "The goods bear 5 %, he is not registered and takes nothing.",
         _of_twelve_thousand("12000.00", rate="5", supplierDetails__gstin="URP"),
         gstins={_SUPPLIER: ()}),
    sent("tax-by-rate-without-gstin", "600.00 are asked for, though no amount calls them a tax.",
         _of_twelve_thousand("12600.00", rate="5", supplierDetails__gstin="URP"),
         *at("supplierDetails.gstin", "INV-TAX-WITHOUT-GSTIN"), gstins={_SUPPLIER: ()}),
    sent("tax-by-rate-in-the-total-without-gstin", "The same in the total alone.",
         put(_of_twelve_thousand("12000.00", rate="5", supplierDetails__gstin="URP"),
             valueDetails__totalInvoiceValue=Decimal("12600.00")),
         *at("supplierDetails.gstin", "INV-TAX-WITHOUT-GSTIN"), gstins={_SUPPLIER: ()}),
    sent("composition-dealer-with-his-rate", "1 % is his to pay, and no buyer's.",
         _of_twelve_thousand("12000.00", rate="1")),
    sent("nil-tax-on-the-document", "18 % is the rate of the goods; IGST 0.00 is what is charged.",
         small(taxable="100000.00", value="100000.00", of_document={"IGST": "0.00"})),
    sent("tax-by-rate-left-out-of-the-total", "The line asks for 1180.00, the total does not.",
         small(taxable="1000.00", value="1180.00", total="1000.00"),
         *at("valueDetails.totalInvoiceValue", "SUM-TOTAL")),
    sent("tax-by-rate-and-a-line-without-taxable", "Too little is told to judge the total.",
         put(bill([line(taxable="1000.00", value="1000.00"),
                   line(taxable="500.00", value="500.00", serialno="2", assessmentAmount="")],
                  taxable="1500.00", total="1500.00"), valueDetails__assessmentValue=None)),
    sent("tax-by-rate-on-one-line-of-two", "One is sold with tax, the other without: 1680.00.",
         bill([line(taxable="1000.00", value="1180.00"),
               line(taxable="500.00", value="500.00", serialno="2")],
              taxable="1500.00", total="1680.00")),
    sent("reverse-charge-without-gstin", "The buyer owes this tax, the supplier only shows it.",
         _taxed("1250.00", "25000.00", supplierDetails__gstin="URP", **_REVERSE),
         gstins={_SUPPLIER: ()}),
    sent("free-goods", "100 billed, 10 free: the free ones are in no sum.",
         small(taxable="5000.00", rate="0", value="5000.00", quantity="100", price="50.00",
               freeQuantity=10)),
    sent("discount-under-the-line", "Given after tax: the tax is not lowered.",
         small(taxable="100000.00", value="118000.00", total="117500.00",
               figures={"IGST": "18000.00"}, of_document={"DISCOUNT": "500.00"})),
    sent("scrap-with-tcs", "Tax collected at source stands outside the GST value.",
         small(taxable="50000.00", value="59000.00", total="59590.00",
               figures={"IGST": "9000.00"}, of_document={"TCS": "590.00"})),
    sent("tax-off-by-a-paisa", "Half even, or once per document.",
         small(taxable="1000.00", value="1180.01", figures={"IGST": "180.01"})),
    sent("tax-off-by-a-rupee", "181.00 where 18 % is 180.00: odd.",
         small(taxable="1000.00", value="1181.00", figures={"IGST": "181.00"}),
         *at(_TAXES, "SUM-LINE-TAX")),
    sent("tax-off-by-more", "181.01 where 18 % is 180.00: wrong.",
         small(taxable="1000.00", value="1181.01", figures={"IGST": "181.01"}),
         *at(_TAXES, "INV-LINE-TAX")),
    sent("total-below-zero", "What is given back is a credit note.",
         bill([], taxable="0.00", total="-50.00", figures={"OTHER_CHARGES": "-50.00"}),
         *at("valueDetails.totalInvoiceValue", "INV-AMOUNT")),
)  # fmt: skip


def _coded(name: str, why: str, *codes: str, **members: Any) -> Case:
    body = small(taxable="1000.00", value="1180.00", figures={"IGST": "180.00"}, **members)
    return sent(name, why, body, *at(f"{ITEM}.hsnCode", *codes))


def _party(name: str, why: str, findings: Any, **changes: Any) -> Case:
    gstins = changes.pop("gstins", {})
    base = story_supplies.invoice(1)
    return sent(name, why, put(base, poDetails=[], **changes), *findings, gstins=gstins)


def _to_itself() -> Body:
    body = put(small(taxable="100.00", rate="0", value="100.00"))
    buyer = body["invoice"]["buyerDetails"]
    body["b2bIds"]["supplierB2BId"] = buyer["b2bId"]
    details = {name: value for name, value in buyer.items() if name != "placeOfSupply"}
    return put(body, supplierDetails=details)


_IDENTITY = (
    _coded("hsn-four-digits", "A chapter heading.", hsnCode="5205"),
    _coded("hsn-five-digits", "Refused on invoices.", "INV-HSN", hsnCode="52052"),
    _coded("hsn-of-goods-on-a-service", "Yarn is no service.", "INV-SERVICE", isService="YES"),
    sent("serialno-twice", "Which of the two does a note mean?",
         bill([small(taxable="100.00", rate="0", value="100.00")["invoice"]["itemLists"][0]] * 2,
              taxable="200.00", total="200.00"),
         *at("itemLists[0].serialno", "INV-LINE-TWICE"),
         *at("itemLists[1].serialno", "INV-LINE-TWICE")),
    sent("same-parties", "Nobody bills himself.", _to_itself(),
         ("INV-SAME-PARTIES", "b2bIds.supplierB2BId")),
    _party("other-b2b-id-of-the-business", "The PAN inside the GSTIN is the party's.",
           at("supplierDetails.b2bId", "INV-OTHER-ID"),
           supplierDetails__b2bId=f"{story.SUPPLIER.gstin}@BCB"),
    _party("other-party", "Neither the B2B ID nor the PAN is that of the message.",
           at("supplierDetails.b2bId", "INV-OTHER-PARTY"),
           supplierDetails__b2bId=LENDER, supplierDetails__gstin=LENDERS_GSTIN),
    _party("other-registration", "Another GSTIN of the same PAN.",
           at("supplierDetails.gstin", "INV-OTHER-GSTIN"), supplierDetails__gstin=SECOND_UNIT),
    _party("gstin-check-character", "The check character is N.",
           at("supplierDetails.gstin", "INV-GSTIN"), supplierDetails__gstin="33ZZZFM3301Q1ZA"),
)  # fmt: skip

CASES = (*_CASES_OF_THE_STORY, *_IDENTITY)
