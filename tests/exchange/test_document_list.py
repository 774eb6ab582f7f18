"""The list of documents: every page of every filter together are the whole list, once and in order."""

from dataclasses import astuple
from functools import partial
from random import Random

import pytest

from hundi.exchange import queries, tables
from hundi.exchange.cursor import key_of
from hundi.exchange.definition import VersionRule
from hundi.exchange.document import PlannedMove
from hundi.exchange.document_list import START, Filters
from hundi.exchange.stepping import MOST_PASSED
from hundi.exchange.writes import moves_json
from tests.exchange.many import b2b_id, exchanged, paper, put, serve
from tests.exchange.scene import Scene

MINE = ["buyer", "e1", "e2"]
OTHERS = ["supplier", "f1"]
TYPES, STATUSES = ["bill", "order", "note"], ["SENT", "AGREED", "PAID"]
DOCUMENTS = 240
BROUGHT = {f"MSG{number}" for number in range(0, DOCUMENTS, 3)}
"""What has brought a document to its counterparty, whatever came of it."""

Paper = dict[str, object]


def papers(dice: Random) -> list[Paper]:
    """Documents of everybody with everybody, many of one moment, some that have not arrived."""
    everybody = MINE + OTHERS
    return [
        paper(
            author := dice.choice(everybody),
            dice.choice([name for name in everybody if name != author]),
            f"{dice.choice('Ab')}{number % 100}",
            type=TYPES[number // 100],
            status=dice.choices(STATUSES, (20, 5, 1))[0],
            created_at=dice.randrange(1, 30),
            highest_version=dice.choice((0, 1, 1)),
            body_id=f"MSG{number}",
        )
        for number in range(DOCUMENTS)
    ]


def expected(made: list[Paper], filters: Filters) -> list[tuple[object, ...]]:
    """The whole list as it has to be: what this client may see and the filters let through."""

    def fits(one: Paper) -> bool:
        own = one["author_entity"] in MINE
        held = one["highest_version"] > 0 or one["body_id"] in BROUGHT
        came = one["counterparty_entity"] in MINE and held
        named = filters.text.lower() in f"{one['object_id']} {one['number']}".lower()
        members = ("type", "status", "author_b2b", "counterparty_b2b")
        pairs = zip(members, astuple(filters), strict=False)
        return (own or came) and named and all(value in ("", one[name]) for name, value in pairs)

    keys = [key(one) for one in made if fits(one)]
    return [found[1:] for found in sorted(keys, reverse=True)]


def key(one: Paper) -> tuple[object, ...]:
    return one["created_at"], one["author_entity"], one["type"], one["object_id"]


async def read(stage: Scene, filters: Filters, limit: int) -> tuple[list[tuple[object, ...]], int]:
    """All pages together, and how many there were."""
    found: list[tuple[object, ...]] = []
    after, pages = "", 0
    while True:
        ask = partial(queries.documents, client_id="buyer", filters=filters, limit=limit)
        page = await stage.database.read(partial(ask, after=after))
        assert len(page["documents"]) <= limit
        found += [(one["author"], one["type"], one["objectId"]) for one in page["documents"]]
        after, pages = page["cursor"], pages + 1
        if after is None:
            return found, pages


def made_by(one: Paper) -> str:
    """What the message that made a document did to it, as the exchange keeps it."""
    move = PlannedMove(
        author_entity=str(one["author_entity"]), type=str(one["type"]),
        object_id=str(one["object_id"]), source="CREATED", target="SENT",
        version=VersionRule.FIRST, new_version=1, number=str(one["number"]), claim=None,
    )  # fmt: skip
    return moves_json([move])


def arrival(one: Paper) -> Paper:
    """The row of `journal` of a message that came with a document."""
    return {
        "author_entity": one["author_entity"], "type": one["type"], "object_id": one["object_id"],
        "sequence": 1, "step": "ACCEPTED", "message": "slip/req-send", "req_msg_id": one["body_id"],
        "status": "SENT", "version": 1, "detail": "", "at": 1, "digest": b"", "hash": b"",
    }  # fmt: skip


@pytest.fixture
async def busy(stage: Scene) -> tuple[Scene, list[Paper], Random]:
    dice = Random(7)
    made = papers(dice)
    sent = [
        exchanged(str(a), str(c), str(one["body_id"]), mailbox=True, moves=made_by(one))
        for one in made
        for a, c in [(one["author_entity"], one["counterparty_entity"])]
    ]
    arrived = [arrival(one) for one in made if one["body_id"] in BROUGHT]
    await stage.database.write(partial(serve, entities=["e1", "e2"], client_id="buyer"))
    await stage.database.write(partial(serve, entities=["f1"], client_id="stranger"))
    await stage.database.write(partial(put, table=tables.document, made=made))
    await stage.database.write(partial(put, table=tables.exchange, made=sent))
    await stage.database.write(partial(put, table=tables.journal, made=arrived))
    return stage, made, dice


def rolled(dice: Random) -> Filters:
    """A few filters at once, mostly."""
    everybody = [b2b_id(name) for name in MINE + OTHERS]
    choices = {
        "type": TYPES, "status": STATUSES, "author": everybody, "counterparty": everybody,
        "text": ["b", "A1", "n-b2", "%", "nothing"],
    }  # fmt: skip
    chosen = dice.sample(sorted(choices), dice.choice((0, 1, 1, 2, 3)))
    return Filters(**{name: dice.choice(choices[name]) for name in chosen})


async def test_pages_are_the_whole_list_in_order(
    busy: tuple[Scene, list[Paper], Random],
) -> None:
    stage, made, dice = busy
    some = 0
    for _ in range(60):
        filters, limit = rolled(dice), dice.choice((1, 2, 7, 50, 200))
        whole = [(b2b_id(str(a)), t, o) for a, t, o in expected(made, filters)]
        found, pages = await read(stage, filters, limit)
        assert found == whole, (filters, limit)
        assert pages == max(1, -(-len(whole) // limit)), "so few are never passed over in vain"
        some += bool(whole)
    assert some > 30


async def test_what_is_rare_is_found_by_following_the_cursor(stage: Scene) -> None:
    made = [paper("buyer", "supplier", f"P{n:05}", created_at=n) for n in range(2 * MOST_PASSED)]
    made[3]["status"] = made[-3]["status"] = "PAID"
    await stage.database.write(partial(put, table=tables.document, made=made))
    found, pages = await read(stage, Filters(status="PAID"), 50)
    assert [object_id for _, _, object_id in found] == [made[-3]["object_id"], made[3]["object_id"]]
    assert 3 <= pages <= 6
    assert await read(stage, Filters(status="NONE"), 1) == ([], pages)


@pytest.mark.parametrize("together", [1, 40])
async def test_a_cursor_names_nothing_that_was_not_shown(stage: Scene, together: int) -> None:
    """`together` documents have one moment."""
    own = [2 * MOST_PASSED - 1, 2 * MOST_PASSED - together - 3, MOST_PASSED // 2, 0]
    made = [
        paper(*sides, f"P{n:05}", created_at=1 + n // together, highest_version=0)
        for n in range(2 * MOST_PASSED)
        for sides in [("supplier", "buyer") if n in own else ("buyer", "supplier")]
    ]
    shown = [made[n] for n in own]
    await stage.database.write(partial(put, table=tables.document, made=made))
    named = {str(one["object_id"]) for one in shown}
    found, after = [], ""
    while after is not None:
        ask = partial(queries.documents, client_id="supplier", filters=Filters(), limit=3)
        page = await stage.database.read(partial(ask, after=after))
        found += [one["objectId"] for one in page["documents"]]
        after = page["cursor"]
        assert after is None or key_of(after, "documents", first=START)[-1] in {"", *named}
    assert found == [one["object_id"] for one in shown]
