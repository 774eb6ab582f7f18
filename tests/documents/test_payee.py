"""What is told of an account, and whether the lender who has bought the invoice is warned about it."""

import msgspec
import pytest

from hundi.documents import payment
from hundi.documents.payment_bodies import PayBody
from hundi.exchange.views import RuleContext, Stakeholder
from hundi.kernel.faults import Fault
from hundi.kernel.reading import read
from hundi.simulator import story, story_money
from tests.documents.bodies import Body
from tests.documents.payments import ASSIGNED, PARTIES, TODAY, bend, view_of

PATH = "payment.invoicesPayInfos[0]"
NAME = story_money.OF_LENDER["beneficiaryName"]
HIS = ("FICT0000027", "XXXXXXXX0701")
TWO = (HIS, ("FICT0000028", "XXXXXXXX0702"))
[PAY, _] = payment.MESSAGES


def faults(account: Body, accounts: tuple[tuple[str, str], ...]) -> list[Fault]:
    """What is said of payment 3 to an account, the lender having told these."""
    body = bend(
        story_money.payment(3),
        payment__invoicesPayInfos__0__supplierBankAccountDetails=account,
    )
    lender = Stakeholder(b2b_id="ZZZCF0701L@BCB", client_id="a", name=NAME, accounts=accounts)
    view = msgspec.structs.replace(view_of(ASSIGNED, PATH), stakeholder=lender)
    context = RuleContext(today=TODAY, parties=PARTIES, document=None, held={PATH: view})
    typed = read(story.dumps(body), PayBody)
    return [fault for rule in PAY.rules for fault in rule(typed, context)]


def number(masked: str, ifsc: str = "", **more: str) -> Body:
    return {"maskedAccountNumber": masked, **({"ifsc": ifsc} if ifsc else {}), **more}


@pytest.mark.parametrize(
    ("account", "accounts"),
    [
        (number("XXXXXXXX0701", "FICT0000027"), (HIS,)),
        (number("XXXXXXXX0702", "FICT0000028"), TWO),
        (number("XXXXXXXX0701"), TWO),
        (number("XXXXXXXX0701", "FICT0000027", beneficiaryName="Factors Ltd"), (HIS,)),
        (number("XXXXXXXX0701", businessVPA="any@upi"), (HIS,)),
        ({"ifsc": "FICT0000027"}, (HIS,)),
        ({"beneficiaryName": NAME.upper()}, (HIS,)),
        ({"businessVPA": "lender@upi", "beneficiaryName": NAME}, (HIS,)),
        (number("XXXXXXXX9999", "FICT0000099", beneficiaryName=NAME), ()),
        ({"ifsc": "FICT0000099"}, ()),
        ({}, (HIS,)),
        ({}, ()),
    ],
)
def test_the_lender_was_paid_or_nothing_tells(
    account: Body, accounts: tuple[tuple[str, str], ...]
) -> None:
    assert faults(account, accounts) == []


@pytest.mark.parametrize(
    ("account", "accounts"),
    [
        (number("XXXXXXXX3301"), (HIS,)),
        (number("XXXXXXXX9999"), TWO),
        (number("XXXXXXXX0701", "FICT0000028"), TWO),
        (number("XXXXXXXX9999", "FICT0000099", beneficiaryName=NAME), (HIS,)),
        ({"ifsc": "FICT0000099"}, (HIS,)),
        ({"businessVPA": "stranger@upi"}, (HIS,)),
        ({"businessVPA": "stranger@upi"}, ()),
        ({"ifsc": "FICT0000027", "businessVPA": "stranger@upi"}, (HIS,)),
        ({"beneficiaryName": "Stranger Ltd"}, (HIS,)),
        (number("XXXXXXXX9999", "FICT0000099"), ()),
        (number("XXXXXXXX9999"), ()),
    ],
)
def test_somebody_else_was_paid(account: Body, accounts: tuple[tuple[str, str], ...]) -> None:
    [fault] = faults(account, accounts)
    assert (fault.code, fault.path) == ("PAY-PAYEE", f"{PATH}.supplierBankAccountDetails")
    assert str(fault.context["account"]) in fault.detail
    assert "UNSET" not in fault.detail
