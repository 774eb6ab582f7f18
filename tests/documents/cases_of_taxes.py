"""Section 12 of the trade story: those small tax cases that an order can be."""

from tests.documents.bodies import line, order_of, put, small
from tests.documents.cases import GSTINS as KNOWN
from tests.documents.cases import Case, of

ITEM = "itemLists[0]"
NOT_REGISTERED = {next(b2b for b2b in KNOWN if b2b.startswith("ZZZFM")): ()}


def _within_the_state(central: str, state: str, value: str, **more: str):
    figures = {"CGST": central, "SGST": state}
    order = small(taxable="1234.57", rate="5", value=value, figures=figures, **more)
    return put(order, buyerDetails__placeOfSupply="33")


_STATES = (
    Case(
        name="one-state-odd-paisa", body=_within_the_state("30.86", "30.86", "1296.29"),
        why="Halves of 30.86 each; one tax of 5 % would be 61.73.",
    ),
    Case(
        name="one-state-halves-a-paisa-apart", why="One half got the odd paisa.",
        body=_within_the_state("30.87", "30.86", "1296.30"),
    ),
    Case(
        name="one-state-halves-two-paise-apart", why="More than rounding can do.",
        body=_within_the_state("30.87", "30.85", "1296.29"),
        findings=of(f"{ITEM}.itemValueDetails", "SUM-TAX-HALVES"),
    ),
    Case(
        name="one-state-all-in-one-half", why="An order is only warned about its taxes.",
        body=_within_the_state("61.73", "0.00", "1296.30"),
        findings=of(f"{ITEM}.itemValueDetails", "SUM-TAX-HALVES"),
    ),
    Case(
        name="halves-between-states", why="33 to 27 takes IGST.",
        body=put(_within_the_state("30.86", "30.86", "1296.29"), buyerDetails__placeOfSupply="27"),
        findings=of("itemLists", "PO-TAX-KIND"),
    ),
    Case(
        name="halves-between-states-in-letters", why="33 to Maharashtra takes IGST.",
        body=put(_within_the_state("30.86", "30.86", "1296.29"), buyerDetails__placeOfSupply="mh"),
        findings=of("itemLists", "PO-TAX-KIND"),
    ),
    Case(
        name="halves-on-the-document-alone", why="Totals say the tax, the lines do not.",
        body=put(
            small(taxable="1234.57", rate="5", value="1234.57", total="1296.29",
                  of_document={"CGST": "30.86", "SGST": "30.86"}),
            buyerDetails__placeOfSupply="33",
        ),
    ),
    Case(
        name="all-in-one-half-of-the-document", why="No line tells a tax; the totals are asked.",
        body=put(
            small(taxable="1000.00", value="1180.00", of_document={"CGST": "180.00", "SGST": "0.00"}),
            buyerDetails__placeOfSupply="33",
        ),
        findings=of("poValueDetails.valueInfos", "SUM-TAX-HALVES"),
    ),
    Case(
        name="tax-of-the-document-beyond-its-rates", why="18 % of 1000.00 is no 99999.00.",
        body=small(taxable="1000.00", value="1180.00", total="100999.00",
                   of_document={"IGST": "99999.00"}),
        findings=of("poValueDetails.valueInfos", "SUM-LINE-TAX"),
    ),
    Case(
        name="sez-without-payment", why="SEZWOP: nil tax always passes.",
        body=small(taxable="100000.00", value="100000.00", figures={"IGST": "0.00"}),
    ),
    Case(
        name="sez-in-the-same-state", findings=of("itemLists", "PO-TAX-KIND"),
        why="SEZ always takes IGST; an order does not say that it is for one, so it is warned.",
        body=put(
            small(taxable="100000.00", value="118000.00", figures={"IGST": "18000.00"}),
            buyerDetails__placeOfSupply="33",
        ),
    ),
    Case(
        name="export-without-payment", why="EXPWOP: the buyer is abroad (96) and unregistered.",
        body=put(
            small(taxable="250000.00", value="250000.00", figures={"IGST": "0.00"}),
            buyerDetails__placeOfSupply="96", buyerDetails__gstin="URP",
        ),
    ),
    Case(
        name="export-with-halves", why="Abroad takes IGST.", findings=of("itemLists", "PO-TAX-KIND"),
        body=put(
            small(taxable="1000.00", value="1180.00", figures={"CGST": "90.00", "SGST": "90.00"}),
            buyerDetails__placeOfSupply="96", buyerDetails__gstin="URP",
        ),
    ),
    Case(
        name="export-with-payment", why="Abroad is another state: IGST.",
        body=put(
            small(taxable="250000.00", value="295000.00", figures={"IGST": "45000.00"}),
            buyerDetails__placeOfSupply="96", buyerDetails__gstin="",
        ),
    ),
    Case(
        name="reverse-charge-not-in-the-total", why="The buyer pays the tax himself.",
        body=small(
            taxable="25000.00", rate="5", value="25000.00", figures={"IGST": "1250.00"}
        ),
    ),
    Case(
        name="reverse-charge-in-the-total", why="The registry takes both.",
        body=small(
            taxable="25000.00", rate="5", value="26250.00", figures={"IGST": "1250.00"}
        ),
    ),
    Case(
        name="composition-dealer", why="A bill of supply bears no tax.",
        body=small(taxable="12000.00", rate="0", value="12000.00"),
    ),
)  # fmt: skip

_UNREGISTERED = (
    Case(
        name="no-gstin-and-tax", why="Who is not registered may not charge tax.",
        body=put(
            small(taxable="1000.00", value="1180.00", figures={"IGST": "180.00"}),
            supplierDetails__gstin="",
        ),
        gstins=NOT_REGISTERED, findings=of("supplierDetails.gstin", "PO-TAX-WITHOUT-GSTIN"),
    ),
    Case(
        name="urp-and-tax-on-the-document", why="URP says the same, and so do the totals.",
        body=put(
            small(taxable="1000.00", value="1000.00", total="1180.00",
                  of_document={"IGST": "180.00"}),
            supplierDetails__gstin="URP",
        ),
        gstins=NOT_REGISTERED, findings=of("supplierDetails.gstin", "PO-TAX-WITHOUT-GSTIN"),
    ),
    Case(
        name="no-gstin-and-cess", why="A cess is a tax.",
        body=put(
            small(taxable="1000.00", rate="0", value="1010.00", figures={"CESS": "10.00"}),
            supplierDetails__gstin=None,
        ),
        gstins=NOT_REGISTERED, findings=of("supplierDetails.gstin", "PO-TAX-WITHOUT-GSTIN"),
    ),
    Case(
        name="no-gstin-and-no-tax", why="A small trader sells without tax.",
        body=put(small(taxable="1000.00", rate="0", value="1000.00"), supplierDetails__gstin=None),
        gstins=NOT_REGISTERED,
    ),
)  # fmt: skip

_PRICES = (
    Case(
        name="price-with-tax-inside", why="10 at 118.00 hold 180.00 of tax.",
        body=small(
            taxable="1000.00", value="1180.00", quantity="10", price="118.00", total_amt="1180.00",
            figures={"IGST": "180.00"},
        ),
    ),
    Case(
        name="free-goods", why="100 billed, 10 free: the free ones are in no sum.",
        body=small(
            taxable="5000.00", rate="0", value="5000.00", quantity="100", price="50.00",
            freeQuantity=10,
        ),
    ),
    Case(
        name="discount-under-the-line", why="Given after tax: the tax is not lowered.",
        body=small(
            taxable="100000.00", value="118000.00", total="117500.00",
            figures={"IGST": "18000.00"}, of_document={"DISCOUNT": "500.00"},
        ),
    ),
    Case(
        name="discount-of-the-lines-repeated", why="The document tells what the line had taken.",
        body=small(
            taxable="900.00", value="1062.00", quantity="10", price="100.00", total_amt="1000.00",
            figures={"DISCOUNT": "100.00", "IGST": "162.00"}, of_document={"DISCOUNT": "100.00"},
        ),
    ),
    Case(
        name="scrap-with-tcs", why="Tax collected at source stands outside the GST value.",
        body=small(
            taxable="50000.00", value="59000.00", total="59590.00", figures={"IGST": "9000.00"},
            of_document={"TCS": "590.00"},
        ),
    ),
    Case(
        name="tcs-outside-the-total", why="What is stated as collected is part of the total.",
        body=small(
            taxable="50000.00", value="59000.00", figures={"IGST": "9000.00"},
            of_document={"TCS": "590.00"},
        ),
        findings=of("poValueDetails.totalPOValue", "SUM-TOTAL"),
    ),
    Case(
        name="cess-on-the-line-gst-on-the-document", why="Each levy may stand in one place only.",
        body=order_of(
            [line(taxable="1000.00", value="1010.00", rate="0", figures={"CESS": "10.00"})],
            taxable="1000.00", total="1190.00", figures={"IGST": "180.00"},
        ),
    ),
    Case(
        name="rate-told-amount-not", why="18 % is told, 180.00 follows: nothing is wrong.",
        body=small(taxable="1000.00", value="1180.00"),
    ),
    Case(
        name="rate-told-amount-not-for-one-line", why="The tax total holds what a line kept back.",
        body=order_of(
            [
                line(taxable="1000.00", value="1180.00", figures={"IGST": "180.00"}),
                line(taxable="500.00", value="590.00", serialno="2"),
            ],
            taxable="1500.00", total="1770.00", figures={"IGST": "270.00"},
        ),
    ),
    Case(
        name="tax-off-by-two-paise", why="18 % of 1000.00 is 180.00.",
        body=small(taxable="1000.00", value="1180.02", figures={"IGST": "180.02"}),
        findings=of(f"{ITEM}.itemValueDetails", "SUM-LINE-TAX"),
    ),
    Case(
        name="tax-off-by-a-paisa", why="Half even, or once per document.",
        body=small(taxable="1000.00", value="1180.01", figures={"IGST": "180.01"}),
    ),
)  # fmt: skip

_ODD_FORMS = (
    Case(
        name="halves-a-paisa-over-each", why="Each half may be a paisa off.",
        body=put(
            small(taxable="1000.00", rate="5", value="1050.02",
                  figures={"CGST": "25.01", "SGST": "25.01"}),
            buyerDetails__placeOfSupply="33",
        ),
    ),
    Case(
        name="label-in-small-letters", why="igst is IGST, and 200.00 is not 18 % of 1000.00.",
        body=small(taxable="1000.00", value="1200.00", figures={"igst": "200.00"}),
        findings=of(f"{ITEM}.itemValueDetails", "SUM-LINE-TAX"),
    ),
    Case(
        name="nil-tax-on-one-line-of-two", why="A rate is told, and the line is sold without tax.",
        body=order_of(
            [
                line(taxable="1000.00", value="1180.00", figures={"IGST": "180.00"}),
                line(taxable="500.00", value="500.00", serialno="2"),
            ],
            taxable="1500.00", total="1680.00",
        ),
    ),
    Case(
        name="cess-of-the-line-outside-the-total", why="The totals know of GST alone.",
        body=order_of(
            [line(taxable="1000.00", value="1000.00", rate="0", figures={"CESS": "10.00"})],
            taxable="1000.00", total="1180.00", figures={"IGST": "180.00"},
        ),
    ),
    Case(
        name="lines-without-taxable", why="The tax is told nowhere: the total is not judged.",
        body=order_of(
            [line(taxable="1000.00", value="1180.00", assessmentAmount="")],
            taxable="1000.00", total="1180.00",
        ),
    ),
    Case(
        name="total-against-the-stated-taxable", why="The lines tell the tax, the totals the rest.",
        body=order_of(
            [line(taxable="1000.00", value="1180.00", assessmentAmount="",
                  figures={"IGST": "180.00"})],
            taxable="1000.00", total="1181.01",
        ),
        findings=of("poValueDetails.totalPOValue", "SUM-TOTAL"),
    ),
    Case(
        name="place-of-supply-in-letters-with-halves", why="TN is 33, and the supplier's state.",
        body=put(
            small(taxable="1000.00", rate="5", value="1050.00",
                  figures={"CGST": "25.00", "SGST": "25.00"}),
            buyerDetails__placeOfSupply="TN", buyerDetails__stateCode="TN",
        ),
    ),
    Case(
        name="value-before-tax-counts-once", why="PRE_TAX_VALUE is told, never added.",
        body=small(
            taxable="1000.00", value="2180.00",
            figures={"IGST": "180.00", "PRE_TAX_VALUE": "1000.00"},
        ),
        findings=of(f"{ITEM}.totalItemValue", "SUM-LINE-VALUE")
        + of("poValueDetails.totalPOValue", "SUM-TOTAL"),
    ),
)  # fmt: skip

CASES = (*_STATES, *_UNREGISTERED, *_PRICES, *_ODD_FORMS)
