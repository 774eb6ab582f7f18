"""Whatever a caller puts into a path or a query, the answer is of a described kind."""

from urllib.parse import quote

import pytest

from tests.web.conftest import Net, bearer
from tests.web.test_network import checked
from tests.web.test_schema import DESCRIPTION

OWN = "/network/v1"
TEXTS = (
    "", " ", "x", "\x00", "\n", "%", "%s", "'", '"', "\\", "é", "\u202e", "\uffff", "😀", "A" * 150,
    "A" * 1500, "-1", "0", "1", "200", "9" * 30, "1e9", "NaN", "null", "true", "[]", "{}", "..",
    "a/b", "SENT", "QUEUED", "S1", "BUYER@BCB", "WzEsImV2ZW50cyIsNV0", "'; drop table event; --",
)  # fmt: skip
RAW = ("%ff%fe", "%C0%80", "%ED%A0%80", "%", "%zz", "%2500", "+", "&", "=", "[]=1")
VALUES = (*(quote(text, safe="") for text in TEXTS), *RAW)


def _calls() -> list[tuple[str, str]]:
    """(method, operation's path) of our own calls."""
    return [
        (method, path)
        for path, calls in DESCRIPTION["paths"].items()
        if path.startswith(OWN)
        for method in calls
        if method in {"get", "post"}
    ]


def _parameters(method: str, path: str) -> list[dict]:
    calls = DESCRIPTION["paths"][path]
    named = [*calls.get("parameters", []), *calls[method].get("parameters", [])]
    known = DESCRIPTION["components"]["parameters"]
    return [known[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in named]


def _filled(path: str, name: str, value: str) -> str:
    return path.replace("{" + name + "}", value)


def _targets(method: str, path: str) -> set[str]:
    """The path with each value in each of its places, the others being harmless."""
    parameters = _parameters(method, path)
    places = [one["name"] for one in parameters if one["in"] == "path"]
    queries = [one["name"] for one in parameters if one["in"] == "query"]
    tried = {_filled(path, name, value) for name in places for value in VALUES} | {path}
    for name in places:
        tried = {_filled(one, name, "S1") for one in tried}
        path = _filled(path, name, "S1")
    return tried | {f"{path}?{name}={value}" for name in queries for value in VALUES}


@pytest.mark.parametrize(("method", "path"), _calls())
async def test_every_answer_is_described(net: Net, method: str, path: str) -> None:
    await net.stage.sent("S1")
    answers = DESCRIPTION["paths"][path][method]["responses"]
    for target in sorted(_targets(method, path)):
        if "wait=" in target and target[-1] in "012":
            continue  # these really wait
        response = await net.calls.request(method, target, headers=bearer("buyer"))
        status = response.status_code
        assert status < 500, (target, response.text)
        if status < 400:
            assert str(status) in answers, (target, status)
        else:
            assert response.headers["content-type"] == "application/problem+json", target
            checked(response, "NetworkProblem", status)
