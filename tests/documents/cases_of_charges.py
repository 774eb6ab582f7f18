"""Cesses, charges of the document with their tax, and orders that keep their tax to themselves."""

from decimal import Decimal
from typing import Any

from tests.documents.bodies import line, order_of, put, small
from tests.documents.cases import Case, of

ITEM = "itemLists[0]"
CESS_OF_TEN = [{"type": "CESS", "value": Decimal(10)}]

_CESSES = (
    Case(
        name="price-with-tax-and-cess-inside", why="10 at 128.00 hold 180.00 and a cess of 100.00.",
        body=small(
            taxable="1000.00", value="1280.00", quantity="10", price="128.00", total_amt="1280.00",
            figures={"IGST": "180.00", "CESS": "100.00"},
        ),
    ),
    Case(
        name="price-with-tax-and-fixed-cess-inside", why="1.50 a piece, whatever it costs.",
        body=small(
            taxable="1000.00", value="1195.00", quantity="10", price="119.50", total_amt="1195.00",
            figures={"IGST": "180.00", "CESS_NON_ADVALOREM": "15.00"},
        ),
    ),
    Case(
        name="price-with-tax-and-cess-inside-by-rates", why="18 % and 10 % are told, no amounts.",
        body=small(
            taxable="1000.00", value="1280.00", quantity="10", price="128.00", total_amt="1280.00",
            rates=CESS_OF_TEN,
        ),
    ),
    Case(
        name="price-with-cess-outside", why="The tax is inside the price, the cess is not.",
        body=small(
            taxable="1000.00", value="1280.00", quantity="10", price="118.00", total_amt="1180.00",
            figures={"IGST": "180.00", "CESS": "100.00"},
        ),
    ),
    Case(
        name="price-with-tax-inside-off", why="1180.00 with 18 % inside is 1000.00, without 1180.00.",
        body=small(
            taxable="1001.01", value="1181.19", quantity="10", price="118.00", total_amt="1180.00",
            figures={"IGST": "180.18"},
        ),
        findings=of(f"{ITEM}.assessmentAmount", "SUM-TAXABLE"),
    ),
    Case(
        name="cess-by-rate-of-another-amount", why="10 % of 1000.00 is 100.00, not 102.00.",
        body=small(taxable="1000.00", value="1282.00", rates=CESS_OF_TEN),
        findings=of(f"{ITEM}.totalItemValue", "SUM-LINE-VALUE")
        + of("poValueDetails.totalPOValue", "SUM-TOTAL"),
    ),
    Case(
        name="cess-total-off", why="The line states a cess of 100.00, the totals 101.01.",
        body=small(
            taxable="1000.00", value="1280.00", figures={"IGST": "180.00", "CESS": "100.00"},
            of_document={"CESS": "101.01"},
        ),
        findings=of("poValueDetails.valueInfos", "SUM-TAX-TOTAL"),
    ),
    Case(
        name="cess-total-holds-what-a-line-kept-back", why="One line tells its cess by rate alone.",
        body=order_of(
            [
                line(taxable="1000.00", value="1280.00",
                     figures={"IGST": "180.00", "CESS": "100.00"}),
                line(taxable="500.00", value="640.00", serialno="2", figures={"IGST": "90.00"},
                     rates=CESS_OF_TEN),
            ],
            taxable="1500.00", total="1920.00", figures={"IGST": "270.00", "CESS": "150.00"},
        ),
    ),
)  # fmt: skip


def _freight(name: str, why: str, *codes: str, tax: str, total: str, **more: Any) -> Case:
    """A line of 1000.00 with 180.00 of tax, and 100.00 of freight on the document."""
    label, taxable = more.get("label", "FREIGHT"), more.get("taxable", "1000.00")
    one = line(taxable="1000.00", value="1180.00", figures={"IGST": "180.00"})
    figures = {label: "100.00", "IGST": tax}
    order = order_of([one], taxable=taxable, total=total, figures=figures)
    return Case(name=name, why=why, body=order, findings=of("poValueDetails.valueInfos", *codes))


_CHARGES = (
    _freight("freight-with-tax", "18 % on the freight too.", tax="198.00", total="1298.00"),
    _freight("freight-with-tax-as-charge", "The same under a label that the network knows.",
             tax="198.00", total="1298.00", label="OTHER_CHARGES"),
    _freight("freight-without-tax", "Tax on the goods alone.", tax="180.00", total="1280.00"),
    _freight("freight-with-less-tax", "Freight of its own may bear another rate.",
             tax="185.00", total="1285.00"),
    _freight("freight-with-tax-in-the-taxable", "The taxable value holds the freight.",
             tax="198.00", total="1298.00", taxable="1100.00"),
    _freight("freight-with-too-much-tax", "18 % of 1100.00 is 198.00.", "SUM-TAX-TOTAL",
             tax="199.01", total="1299.01"),
    _freight("freight-lowers-no-tax", "The line bears 180.00 whatever the freight.",
             "SUM-TAX-TOTAL", tax="178.99", total="1278.99"),
    Case(
        name="freight-as-a-service-of-its-own", why="Goods at 5 %, freight at 18 %, half each.",
        body=put(
            order_of(
                [line(taxable="1000.00", rate="5", value="1050.00",
                      figures={"CGST": "25.00", "SGST": "25.00"})],
                taxable="1000.00", total="1168.00",
                figures={"FREIGHT": "100.00", "CGST": "34.00", "SGST": "34.00"},
            ),
            buyerDetails__placeOfSupply="33",
        ),
    ),
    Case(
        name="freight-with-cess", why="What goes with the goods bears their cess.",
        body=order_of(
            [line(taxable="1000.00", value="1280.00",
                  figures={"IGST": "180.00", "CESS": "100.00"})],
            taxable="1000.00", total="1408.00",
            figures={"FREIGHT": "100.00", "IGST": "198.00", "CESS": "110.00"},
        ),
    ),
    Case(
        name="taxable-total-with-freight-of-the-stated", findings=(),
        why="The lines tell no taxable amount; the stated one holds the charge already.",
        body=order_of(
            [line(taxable="1000.00", value="1180.00", assessmentAmount="",
                  figures={"IGST": "180.00"})],
            taxable="1100.00", total="1298.00",
            figures={"OTHER_CHARGES": "100.00", "IGST": "198.00"},
        ),
    ),
    Case(
        name="one-unknown-amount-of-two-in-the-lines", why="MRP is told, FREIGHT is charged.",
        body=order_of(
            [
                line(taxable="1000.00", value="1230.00", serialno=n,
                     figures={"IGST": "180.00", "FREIGHT": "50.00", "MRP": "1500.00"})
                for n in ("1", "2")
            ],
            taxable="2000.00", total="2460.00", figures={"IGST": "360.00"},
        ),
    ),
)  # fmt: skip

_UNTOLD = (
    Case(
        name="lump-sum",
        why="No lines, no tax: what the tax is cannot be known.",
        body=order_of([], taxable="1000.00", total="1180.00"),
    ),
    Case(
        name="lump-sum-below-its-taxable",
        why="No tax makes a total smaller.",
        body=order_of([], taxable="1000.00", total="998.99"),
        findings=of("poValueDetails.totalPOValue", "SUM-TOTAL"),
    ),
    Case(
        name="lump-sum-with-its-tax",
        why="The tax is told, so the total is judged.",
        body=order_of([], taxable="1000.00", total="1190.00", figures={"IGST": "180.00"}),
        findings=of("poValueDetails.totalPOValue", "SUM-TOTAL"),
    ),
    Case(
        name="line-without-rate-and-tax",
        why="Neither rate nor tax is told.",
        body=small(taxable="1000.00", value="1180.00", gstRate=""),
    ),
    Case(
        name="line-without-rate-and-tax-too-low",
        why="No tax makes a value smaller.",
        body=small(taxable="1000.00", value="998.99", gstRate=""),
        findings=of(f"{ITEM}.totalItemValue", "SUM-LINE-VALUE")
        + of("poValueDetails.totalPOValue", "SUM-TOTAL"),
    ),
)

CASES = (*_CESSES, *_CHARGES, *_UNTOLD)
