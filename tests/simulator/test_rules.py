"""Rules: which one is used, how often, and what is wrong with a file that cannot be used."""

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hundi.simulator
from hundi.simulator.rules import Do, Facts, RuleError, Rules, parse_rules, read_rules

SEND = "/erp/api/v0/purchase-order/req-send"


def facts(
    webhook_id: str = "MSG1",
    path: str = SEND,
    *,
    kind: str = "req",
    object_id: str = "PUR1",
    parties: tuple[str, ...] = ("A@BCB", "B@BCB"),
) -> Facts:
    return Facts(webhook_id=webhook_id, path=path, kind=kind, object_id=object_id, parties=parties)


def rules(*written: object) -> Rules:
    return parse_rules(json.dumps(written).encode())


def chosen(when: object, asked: Facts) -> bool:
    return (
        rules({"when": when, "do": {"answer": "down"}}).choose(asked, decided=False).answer
        == "down"
    )


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({}, True),
        ({"path": SEND}, True),
        ({"path": "*/req-send"}, True),
        ({"path": "*/purchase-order/*"}, True),
        ({"path": "req-send"}, False),
        ({"path": "*/REQ-send"}, False),
        ({"path": "*/req-edit"}, False),
        ({"objectId": "PUR?"}, True),
        ({"objectId": "PUR2"}, False),
        ({"b2bId": "A@BCB"}, True),
        ({"b2bId": "B@BCB"}, True),
        ({"b2bId": "*@BCB"}, False),
        ({"kind": "req"}, True),
        ({"kind": "resp"}, False),
        ({"path": "*/req-*", "objectId": "PUR1", "b2bId": "A@BCB", "kind": "req"}, True),
        ({"path": "*/req-*", "objectId": "PUR1", "b2bId": "C@BCB", "kind": "req"}, False),
    ],
)
def test_all_conditions_must_hold(when: object, fits: bool) -> None:
    assert chosen(when, facts()) is fits


def test_without_rules_success() -> None:
    assert Rules().choose(facts(), decided=False) == Do(answer="success")
    assert len(parse_rules(b"[]")) == 0


def test_the_first_rule_that_fits_is_used() -> None:
    table = rules(
        {"when": {"objectId": "PUR2"}, "do": {"answer": "empty"}},
        {"do": {"answer": "down"}},
        {"do": {"answer": "malformed"}},
    )
    assert table.choose(facts(), decided=False).answer == "down"
    assert table.choose(facts(object_id="PUR2"), decided=False).answer == "empty"


def test_a_rule_is_used_up_by_what_it_fits_only() -> None:
    table = rules({"when": {"objectId": "PUR1"}, "do": {"answer": "down"}, "times": 2})
    other = facts(object_id="PUR2")
    got = [table.choose(f, decided=False).answer for f in (facts(), other, facts(), facts())]
    assert got == ["down", "success", "down", "success"]


def test_pending_counts_for_each_message() -> None:
    table = rules({"do": {"answer": "pending", "times": 1}}, {"do": {"answer": "hold"}})
    got = [table.choose(facts(i), decided=False).answer for i in ("M1", "M2", "M1", "M2")]
    assert got == ["pending", "pending", "hold", "hold"]


def test_a_rule_may_be_used_up_before_its_pending_is() -> None:
    table = rules({"do": {"answer": "pending", "times": 5}, "times": 1})
    assert [table.choose(facts(), decided=False).answer for _ in "12"] == ["pending", "success"]


def test_outcomes_are_neither_declined_nor_pending() -> None:
    for answer in ({"answer": "decline", "code": "X"}, {"answer": "pending"}):
        table = rules({"do": answer}, {"do": {"answer": "down"}})
        assert table.choose(facts(kind="resp"), decided=False).answer == "down"


@pytest.mark.parametrize(
    "do",
    [
        {"answer": "success"},
        {"answer": "decline", "code": "X"},
        {"answer": "pending"},
        {"answer": "hold"},
    ],
)
def test_what_is_decided_is_not_decided_again_and_uses_nothing_up(do: object) -> None:
    table = rules({"do": do, "times": 1}, {"do": {"answer": "down"}})
    assert table.choose(facts(), decided=True).answer == "success"
    assert table.choose(facts(), decided=False).answer == do["answer"]  # type: ignore[index]
    assert table.choose(facts(), decided=True).answer == "down"


def test_a_repeat_still_meets_a_bad_network() -> None:
    table = rules({"do": {"answer": "reset"}, "times": 1})
    assert [table.choose(facts(), decided=True).answer for _ in "12"] == ["reset", "success"]


UNTOUCHED = {"timeout", "status", "malformed", "redirect", "down"}
EVERY_ANSWER: list[dict[str, object]] = [
    {"answer": "success"},
    {"answer": "decline", "code": "X", "detail": "", "field": ""},
    {"answer": "pending", "times": 1, "retryAfter": 0},
    {"answer": "hold", "seconds": 0.5},
    {"answer": "delay", "seconds": 1},
    {"answer": "timeout"},
    {"answer": "status", "status": 503, "retryAfter": 3},
    {"answer": "malformed"},
    {"answer": "empty"},
    {"answer": "redirect", "to": "https://elsewhere.example.com/"},
    {"answer": "huge", "bytes": 70_000},
    {"answer": "reset"},
    {"answer": "drip"},
    {"answer": "down"},
]


@pytest.mark.parametrize("do", EVERY_ANSWER, ids=lambda do: str(do["answer"]))
def test_every_answer_is_read_and_explained(do: dict[str, object]) -> None:
    got = rules({"do": do}).choose(facts(), decided=False)
    assert got.answer == do["answer"]
    assert got.applied is (do["answer"] not in UNTOUCHED)
    assert f"\n    {do['answer']} " in (hundi.simulator.__doc__ or "")


@pytest.mark.parametrize("answer", ["timeout", "malformed", "empty", "down"])
@pytest.mark.parametrize("applied", [True, False])
def test_whether_a_message_is_taken_in_can_be_said(answer: str, applied: bool) -> None:
    got = rules({"do": {"answer": answer, "applied": applied}}).choose(facts(), decided=False)
    assert got.applied is applied


def test_the_example_of_the_package_s_page_is_valid() -> None:
    text = hundi.simulator.__doc__ or ""
    [example] = re.findall(r"^    \[\n.*?^    \]$", text, re.DOTALL | re.MULTILINE)
    assert len(parse_rules(example.encode())) == 3


WRONG = [
    (b"", "not JSON"),
    (b"{", "not JSON"),
    (b"[NaN]", "not JSON"),
    (b"\xff", "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b"{}", "must be a list"),
    (b"null", "must be a list"),
    (b"[1]", "rules[0] must be an object"),
    (b"[{}]", "rules[0].do is missing"),
    (b'[{"do":{"answer":"success"}},{"do":{}}]', "rules[1].do.answer must be one of success"),
    (b'[{"do":"success"}]', "rules[0].do.answer must be one of"),
    (b'[{"do":{"answer":"explode"}}]', "rules[0].do.answer must be one of"),
    (b'[{"do":{"answer":["hold"]}}]', "rules[0].do.answer must be one of"),
    (b'[{"do":{"answer":"success"},"then":1}]', "rules[0].then is not known here. Known are: when"),
    (b'[{"do":{"answer":"success"},"times":0}]', "rules[0].times must be a whole number from 1"),
    (b'[{"do":{"answer":"success"},"times":true}]', "rules[0].times"),
    (b'[{"do":{"answer":"success"},"times":1.5}]', "rules[0].times"),
    (b'[{"do":{"answer":"success"},"when":[]}]', "rules[0].when must be an object"),
    (b'[{"do":{"answer":"success"},"when":{"id":"x"}}]', "rules[0].when.id is not known"),
    (b'[{"do":{"answer":"success"},"when":{"path":""}}]', "rules[0].when.path must be a text"),
    (b'[{"do":{"answer":"success"},"when":{"kind":"reg"}}]', 'rules[0].when.kind must be "req"'),
    (b'[{"do":{"answer":"success"},"when":{"kind":[]}}]', "rules[0].when.kind"),
    (b'[{"do":{"answer":"success","seconds":1}}]', "rules[0].do.seconds is not known here"),
    (b'[{"do":{"answer":"decline"}}]', "rules[0].do.code is missing"),
    (b'[{"do":{"answer":"decline","code":""}}]', "rules[0].do.code must be a text"),
    (b'[{"do":{"answer":"decline","code":"X","status":200}}]', "rules[0].do.status"),
    (b'[{"do":{"answer":"pending","times":"2"}}]', "rules[0].do.times"),
    (b'[{"do":{"answer":"pending","retryAfter":-1}}]', "rules[0].do.retryAfter"),
    (b'[{"do":{"answer":"delay"}}]', "rules[0].do.seconds is missing"),
    (b'[{"do":{"answer":"delay","seconds":0}}]', "rules[0].do.seconds must be a number of seconds"),
    (b'[{"do":{"answer":"hold","seconds":1e400}}]', "rules"),
    (b'[{"do":{"answer":"hold","seconds":true}}]', "rules[0].do.seconds"),
    (b'[{"do":{"answer":"status"}}]', "rules[0].do.status is missing"),
    (b'[{"do":{"answer":"status","status":600}}]', "rules[0].do.status must be a whole number"),
    (b'[{"do":{"answer":"redirect"}}]', "rules[0].do.to is missing"),
    (b'[{"do":{"answer":"redirect","to":"x","status":200}}]', "rules[0].do.status"),
    (b'[{"do":{"answer":"huge","bytes":0}}]', "rules[0].do.bytes"),
    (b'[{"do":{"answer":"down","applied":1}}]', "rules[0].do.applied must be true or false"),
    (b'[{"do":{"answer":"reset","applied":true}}]', "rules[0].do.applied is not known here"),
    (
        b'[{"when":{"kind":"resp"},"do":{"answer":"decline","code":"X"}}]',
        "rules[0].do.answer: decline answers requests only",
    ),
]


@pytest.mark.parametrize(("raw", "sentence"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_file_is_refused_naming_rule_and_member(raw: bytes, sentence: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rules(raw)
    assert sentence in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"none\.json cannot be read: No such file"):
        read_rules(tmp_path / "none.json")
    path = tmp_path / "rules.json"
    path.write_text('[{"do": {"answer": "down"}}]')
    assert len(read_rules(path)) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["when", "do", "answer", "times", "kind", "x"]), inner)
    ),
    max_leaves=8,
)


@given(written=st.lists(JSON, max_size=3))
def test_anything_else_is_refused_and_never_a_crash(written: object) -> None:
    with suppress(RuleError):
        parse_rules(json.dumps(written).encode())
