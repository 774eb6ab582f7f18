"""The members of every `resp-X`, in the order in which its contract has them."""

from typing import Any

import pytest
import yaml

from hundi.documents import MESSAGES
from hundi.exchange.answers import Resp, outcome_body
from hundi.exchange.definition import MessageType
from tests.house.sources import ROOT

CONTRACTS = [
    yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "contract").glob("b2b-*.yaml"))
]


def _outcome_of(message: MessageType) -> dict[str, Any]:
    for contract in CONTRACTS:
        for webhook in contract["webhooks"].values():
            if webhook["post"]["x-path"].lstrip("/") == message.inform:
                schema = webhook["post"]["requestBody"]["content"]["application/json"]["schema"]
                name = schema["$ref"].rpartition("/")[2]
                found: dict[str, Any] = contract["components"]["schemas"][name]
                return found
    raise AssertionError(message.inform)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.inform)
def test_members_are_the_contracts(message: MessageType) -> None:
    assert message.informs == tuple(_outcome_of(message)["properties"])


def test_members_travel_as_they_came_and_free_pairs_in_either_spelling() -> None:
    raw = b'{"device":{ },"b2bIds":{"a":"b"},"cdNote":{"n":1.10},"additionalInfo":[ {} ]}'
    resp = Resp("MSG1", "SUCCESS")
    told = (
        b'"resp":{"reqMsgId":"MSG1","result":"SUCCESS","errorCd":"","errorDtl":"","errorField":""}'
    )
    made = outcome_body(raw, ("device", "resp", "cdNote", "additionalInfos"), resp)
    assert made == b'{"device":{ },%b,"cdNote":{"n":1.10},"additionalInfos":[ {} ]}' % told
    assert outcome_body(b"{}", ("b2bIds", "resp", "additionalInfo"), resp) == (
        b'{%b,"additionalInfo":[]}' % told
    ), "what the request has not is left out"
