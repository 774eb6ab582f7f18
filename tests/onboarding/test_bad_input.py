"""Whatever stands in a body, the answer is an envelope with codes and paths, never a 500."""

import json
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import jsonschema
import pytest

from tests.onboarding.bodies import CONTRACT, PAN, check, entity, further, search
from tests.onboarding.desk import NOVICE, ROOM, Desk
from tests.web.conftest import bearer

ENVELOPE = {**CONTRACT, "$ref": "#/components/schemas/ErrorEnvelope"}
VALUES: tuple[Any, ...] = (
    None, 7, True, [], {}, "", "\x00", "\ud800", "A" * 20_000, "'; drop table entity; --", "é😀",
)  # fmt: skip
BODIES = {
    "reg-check-entity": check(),
    "reg-entity": entity(),
    "reg-id": further(f"{PAN}.ONE@BCB", "BUYER@BCB"),
    "search-entity": search(("B2BID", "BUYER@BCB"), requestor="BUYER@BCB"),
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member and element."""
    if path:
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()  # fmt: skip
    for name, inner in members:
        yield from places(inner, (*path, name))


def changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    result = deepcopy(body)
    inner = result
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return result


@pytest.mark.parametrize("name", BODIES)
async def test_any_value_in_any_place_is_answered(net: Desk, name: str) -> None:
    body = BODIES[name]
    told: Counter[int] = Counter()
    for path in places(body):
        for value in VALUES:
            raw = json.dumps(changed(body, path, value)).encode()
            answer = await net.call(name, raw, client_id="buyer")
            assert answer.status_code in {200, 400, 403, 404, 409, 422}, (path, value, answer.text)
            told[answer.status_code] += 1
            if answer.status_code != 200:
                jsonschema.validate(answer.json(), ENVELOPE)
                assert all(f["code"] and f["detail"] for f in answer.json()["payload"]["faults"])
    assert told[400] > 10, told


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        ("reg-entity", ("institute", "mccCode", "594"), ("SHAPE-PATTERN", "institute.mccCode")),
        ("reg-entity", ("institute", "bankAccounts", []), ("SHAPE-LENGTH", "institute.bankAccounts")),
        ("reg-entity", ("institute", "cin", "X"), ("SHAPE-PATTERN", "institute.cin")),
        ("reg-entity", ("institute", "dins", ["1"]), ("SHAPE-PATTERN", "institute.dins[0]")),
        ("reg-entity", ("institute", "emails", ["x"]), ("SHAPE-PATTERN", "institute.emails[0]")),
        ("reg-entity", ("institute", "name", 'a"b'), ("SHAPE-PATTERN", "institute.name")),
        ("reg-entity", ("institute", "objectVersion", {}),
         ("SHAPE-MISSING", "institute.objectVersion.currentVersion")),
        ("reg-id", ("regB2BIds", "ids", []), ("SHAPE-LENGTH", "regB2BIds.ids")),
        ("reg-id", ("onboardingB2BIds", "more", 1), ("SHAPE-UNKNOWN", "onboardingB2BIds.more")),
        ("search-entity", ("search", "criteria", []), ("SHAPE-LENGTH", "search.criteria")),
    ],
)  # fmt: skip
async def test_a_wrong_shape_is_told_with_its_place(
    net: Desk, name: str, change: tuple[str, str, Any], fault: tuple[str, str]
) -> None:
    group, member, value = change
    body = deepcopy(BODIES[name])
    body[group][member] = value
    status, faults = await net.faults(name, body, client_id="buyer")
    assert status == 400
    assert fault in faults


async def test_what_is_carried_may_hold_more(net: Desk) -> None:
    """Unknown members deep inside are carried; the envelope is closed."""
    body = check()
    body["checkInstitute"]["more"] = {"a": [1]}
    told = await net.outcome("reg-check-entity", body)
    assert told["checkInstitute"] == body["checkInstitute"]


async def test_the_door_is_as_for_messages(net: Desk) -> None:
    raw = json.dumps(check()).encode()
    path = ROOM + "reg-check-entity"
    mine = {**bearer(NOVICE), "content-type": "application/json"}
    for headers, verb, status, code in (
        ({"content-type": "application/json"}, "POST", 401, "AUTH-TOKEN"),
        (bearer(NOVICE), "POST", 415, "HTTP-MEDIA-TYPE"),
        (mine, "GET", 405, "HTTP-METHOD"),
        ({**mine, "idempotency-key": "a" * 256}, "POST", 400, "KEY-FORM"),
    ):
        answer = await net.http.request(verb, path, content=raw, headers=headers)
        assert (answer.status_code, answer.json()["payload"]["resp"]["errorCd"]) == (status, code)
    missing = await net.http.post(ROOM + "reg-nothing", content=raw, headers=mine)
    assert missing.status_code == 404
