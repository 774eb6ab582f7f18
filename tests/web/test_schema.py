"""GET /schema: valid, complete, made of the contract files, and obeyed by what we answer."""

import msgspec
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from hundi.web import network, openapi, problems
from hundi.web.openapi import made_from, merged, schema
from tests.house.sources import ROOT
from tests.web.conftest import Net

CONTRACT = ROOT / "contract"
DESCRIPTION = msgspec.json.decode(schema())


async def test_it_is_served_and_valid(net: Net) -> None:
    response = await net.calls.get("/schema")
    assert response.headers["content-type"] == "application/json"
    description = response.json()
    assert description["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(description).validate()


def test_it_is_up_to_date() -> None:
    made = made_from(CONTRACT)
    assert schema().decode() == made, "run `python -m hundi.web.openapi contract` and commit"


def test_it_has_every_call_and_webhook_of_the_contract() -> None:
    orders = yaml.safe_load((CONTRACT / "b2b-purchase-order.yaml").read_text(encoding="utf-8"))
    assert len(orders["webhooks"]) == 8
    for part in ("paths", "webhooks"):
        assert orders[part].keys() <= DESCRIPTION[part].keys()
    assert "/oauth/token" in DESCRIPTION["paths"]
    onboarding = yaml.safe_load((CONTRACT / "b2b-onboarding.yaml").read_text(encoding="utf-8"))
    assert len(onboarding["webhooks"]) == 4
    for part in ("paths", "webhooks"):
        assert onboarding[part].keys() <= DESCRIPTION[part].keys()
    assert {"bearerToken", "basicClient"} <= DESCRIPTION["components"]["securitySchemes"].keys()


def test_our_own_calls_are_those_that_are_described() -> None:
    described = {
        (path, method)
        for path, calls in DESCRIPTION["paths"].items()
        if not path.startswith(("/api/", "/oauth/"))
        for method in calls
        if method in {"get", "post"}
    }
    assert _served() == described
    assert {path.rpartition("/")[2] for path, how in described if how == "post"} == problems.POSTED


def _served() -> set[tuple[str, str]]:
    handlers = [
        *((f"{network.V1}{path}", one) for one in network.CALLS for path in one.paths),
        *((path, one) for one in network.OPERATION for path in one.paths),
    ]
    names = {"{kind:str}": "{type}", "{object_id:str}": "{objectId}",
             "{req_msg_id:str}": "{reqMsgId}", "{webhook_id:str}": "{webhookId}",
             "{b2b_id:str}": "{b2bId}"}  # fmt: skip
    served = set()
    for path, one in handlers:
        for inner, outer in names.items():
            path = path.replace(inner, outer)  # noqa: PLW2901
        served |= {(path, method.lower()) for method in one.http_methods}
    return served


@pytest.mark.parametrize("call", ["listDocuments", "listDeliveries", "readEvents", "listRefusals"])
def test_described_limits_are_the_enforced_ones(call: str) -> None:
    """Described and declared parameters: names, and their bounds."""
    [(path, described)] = [
        (path, calls["get"])
        for path, calls in DESCRIPTION["paths"].items()
        if calls.get("get", {}).get("operationId") == call
    ]
    [handler] = [one for one in network.CALLS if f"{network.V1}{min(one.paths)}" == path]
    assert _declared(handler) == dict(map(_bounds, described["parameters"]))


def _declared(handler: object) -> dict[str, tuple[object, ...]]:
    fields = handler.parsed_fn_signature.parameters.values()  # type: ignore[attr-defined]
    definitions = [
        one.kwarg_definition for one in fields if one.name not in {"network", "client_id"}
    ]
    return {one.name: (one.max_length, one.ge, one.le) for one in definitions}


def _bounds(parameter: dict) -> tuple[str, tuple[object, ...]]:
    if "$ref" in parameter:
        parameter = DESCRIPTION["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
    form = parameter["schema"]
    return parameter["name"], (form.get("maxLength"), form.get("minimum"), form.get("maximum"))


def test_one_name_for_two_things_is_refused() -> None:
    areas, own = openapi.read_areas(CONTRACT)
    own["components"]["schemas"]["ErrorEnvelope"] = {"type": "string"}
    with pytest.raises(ValueError, match="ErrorEnvelope"):
        merged(areas, own)
