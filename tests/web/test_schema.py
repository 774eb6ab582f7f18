"""GET /schema: valid, complete, made of the contract files, and obeyed by what we answer."""

from copy import deepcopy

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from hundi.web import network, problems
from hundi.web.openapi import made_from, merged, read_from, schema
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


PORTAL, OWN = read_from(CONTRACT)


def test_it_is_made_of_every_file_of_the_portal() -> None:
    files = {path.name for path in CONTRACT.glob("b2b-*.yaml")}
    assert {f"b2b-{name}.yaml" for name in PORTAL} == files


@pytest.mark.parametrize("name", PORTAL)
def test_it_has_every_call_and_webhook(name: str) -> None:
    file = PORTAL[name]
    assert file["webhooks"]
    for part in ("paths", "webhooks"):
        assert file[part].keys() <= DESCRIPTION[part].keys()
    assert {tag["name"] for tag in file["tags"]} <= {tag["name"] for tag in DESCRIPTION["tags"]}


def _resolved(tree: object, components: dict, depth: int = 12) -> object:
    """A part of a description with what it refers to in the place of the reference."""
    if isinstance(tree, dict):
        if "$ref" in tree and depth:
            kind, _, name = tree["$ref"].removeprefix("#/components/").partition("/")
            return _resolved(components[kind][name], components, depth - 1)
        return {k: _resolved(v, components, depth) for k, v in tree.items() if k != "$ref"}
    if isinstance(tree, list):
        return [_resolved(one, components, depth) for one in tree]
    return str(tree)


@pytest.mark.parametrize("name", PORTAL)
def test_what_a_call_says_is_what_its_file_says(name: str) -> None:
    """Components with new names mean what they meant in the file."""
    file = PORTAL[name]
    for part in ("paths", "webhooks"):
        for path, said in file[part].items():
            told = _resolved(DESCRIPTION[part][path], DESCRIPTION["components"])
            assert told == _resolved(said, file["components"]), path


def test_one_name_for_several_things_is_told_apart_by_the_file_that_has_it_first() -> None:
    schemas = DESCRIPTION["components"]["schemas"]
    assert {"PurchaseOrderLineItem", "InvoiceLineItem", "InvoiceObjectVersion",
            "PurchaseOrderAck"} <= schemas.keys()  # fmt: skip
    assert not {"LineItem", "Ack"} & schemas.keys()
    assert "Device" in schemas, "one thing keeps its name"


def test_what_refers_to_different_things_is_different() -> None:
    def file(leaf: str) -> dict:
        schemas = {"Leaf": {"type": leaf}, "Tree": {"$ref": "#/components/schemas/Leaf"}}
        return {"tags": [], "paths": {}, "components": {"schemas": schemas}}

    own = {"components": {"schemas": {}}, "tags": [], "paths": {}}
    made = merged({"one": file("string"), "two": file("integer")}, own)
    assert made["components"]["schemas"]["TwoTree"] == {"$ref": "#/components/schemas/TwoLeaf"}
    assert made["components"]["schemas"].keys() == {"OneLeaf", "OneTree", "TwoLeaf", "TwoTree"}


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
        *((path, one) for one in (network.read_schema, *network.OPERATION) for path in one.paths),
    ]
    names = {"{kind:str}": "{type}", "{object_id:str}": "{objectId}",
             "{req_msg_id:str}": "{reqMsgId}", "{webhook_id:str}": "{webhookId}",
             "{counterparty:str}": "{counterpartyB2BId}", "{b2b_id:str}": "{b2bId}"}  # fmt: skip
    served = set()
    for path, one in handlers:
        for inner, outer in names.items():
            path = path.replace(inner, outer)  # noqa: PLW2901
        served |= {(path, method.lower()) for method in one.http_methods}
    return served


@pytest.mark.parametrize(
    "call",
    [
        "listDocuments",
        "listDeliveries",
        "readEvents",
        "listRefusals",
        "listAccounts",
        "listParties",
    ],
)
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
        one.kwarg_definition
        for one in fields
        if one.name not in {"request", "network", "client_id"}
    ]
    return {one.name: (one.max_length, one.ge, one.le) for one in definitions}


def _bounds(parameter: dict) -> tuple[str, tuple[object, ...]]:
    if "$ref" in parameter:
        parameter = DESCRIPTION["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
    form = parameter["schema"]
    return parameter["name"], (form.get("maxLength"), form.get("minimum"), form.get("maximum"))


def test_one_name_for_two_things_is_refused() -> None:
    own = deepcopy(OWN)
    own["components"]["schemas"]["ErrorEnvelope"] = {"type": "string"}
    with pytest.raises(ValueError, match="ErrorEnvelope"):
        merged(PORTAL, own)
