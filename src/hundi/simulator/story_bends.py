"""The trade story bent: messages that are off by one unit and must be refused (section 11)."""

from decimal import Decimal

from hundi.simulator import story, story_money, story_supplies
from hundi.simulator.story import Body

_LINE = ("1747.551", "298.650", "521906.11", "6523.83", "515382.28", "25769.11", "541151.39")


def over_the_tolerance() -> Body:
    """Row k: invoice 2 bills 0.001 kg of line 1 more than 105 % of what was ordered."""
    body = story_supplies.invoice(2)
    invoice = body["invoice"]
    invoice["itemLists"][0] = story.order_line(0, _LINE)
    invoice["valueDetails"] = {
        "assessmentValue": Decimal("746989.69"),
        "totalInvoiceValue": Decimal("784339.00"),
        "valueInfos": [
            {"type": "IGST", "value": Decimal("37349.48")},
            {"type": "ROUND_OFF", "value": Decimal("-0.17")},
        ],
    }
    return body


def over_the_due() -> Body:
    """Row q: payment 2 brings a rupee and a paisa more than is due."""
    body = story_money.payment(2)
    payment = body["payment"]
    [share] = payment["invoicesPayInfos"]
    for amount in (payment["paymentAmount"], share["invoicePaymentAmount"]):
        amount["netPaidAmount"] = Decimal("302607.01")
        amount["totalAmount"] = Decimal("316766.01")
    return body
