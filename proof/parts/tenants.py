"""Every described call, by everybody, about everybody's documents: who reads or writes what is not his?

The calls are those of the served description. One with a parameter that is not known here fails the part:
somebody has to say which objects it leads to.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from hundi.exchange.record import stored_name
from hundi.onboarding.calls import CALLS, REGISTER_ID, SEARCH_ENTITY
from hundi.store.migrate import upgrade
from hundi.web.openapi import schema
from proof.ground.calling import Answer
from proof.ground.databases import opened
from proof.ground.known import DESCRIBED_AS, MARKED, Known, Thing, known
from proof.ground.tenants import ACTIVE, SHUT_OUT, Ask, Rows, Tenants, tenants
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least, none, told
from tests.onboarding import bodies

OPEN = {"/schema", "/healthz", "/readyz", "/metrics", "/oauth/token"}
"""Calls without a token, about no document."""
ONBOARDING = frozenset(call.path for call in CALLS)
"""Calls about businesses. Those that nobody serves yet are tried by who is shut out alone."""
FOR_A_BUSINESS: Mapping[str, Callable[[str], bodies.Body]] = {
    REGISTER_ID.path: lambda b2b_id: bodies.further("ZZZCX0000X.ONE@BCB", b2b_id),
    SEARCH_ENTITY.path: lambda b2b_id: bodies.search(("PAN", "ZZZCX0000X"), requestor=b2b_id),
}
"""Calls that a client makes for one of its B2B IDs, by what it says for which."""
SIDES = ("buyer", "supplier")
MARKS = 10
"""Of each kind at least, or the search is none."""
ANSWERS = 100
_PLACES = re.compile(r"\{(\w+)\}")


@dataclass(slots=True)
class Matrix:
    """What callers were told. `wrong` are sentences about answers that must not be.

    `marks` are what somebody may be known by, each with the clients that may be shown it; `shown` are
    those that a client was shown and may be.
    """

    net: Tenants
    run: Run
    marks: Mapping[str, frozenset[str]]
    looked: int = 0
    shown: dict[str, set[str]] = field(default_factory=lambda: {who: set() for who in ACTIVE})
    own: int = 0
    foreign: int = 0
    shut_out: int = 0
    samples: list[str] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)
    told: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    async def ask(self, who: str, ask: Ask, wanted: set[int]) -> None:
        """One call; nobody may be shown what is another's, whether it was found or refused."""
        answer = await self.net.call(who, ask)
        status = answer.status
        self.told[status] += 1
        if status not in wanted:
            self.wrong.append(f"{who}: {ask}: {status}, not {sorted(wanted)}")
        self._look(who, ask, answer)

    def _look(self, who: str, ask: Ask, answer: Answer) -> None:
        """What the caller has said himself is no news to him."""
        self.looked += answer.status == 200
        found = set(MARKED.findall(answer.body.decode())) & self.marks.keys()
        sent = ask.sent
        found = {m for m in found if m.encode() not in sent and quote(m, "").encode() not in sent}
        foreign = {mark for mark in found if who not in self.marks[mark]}
        if foreign:
            self.leaks.append(f"{who}: {ask} shows {', '.join(sorted(foreign)[:5])}")
        self.shown.setdefault(who, set()).update(found - foreign)

    def foreign_to(self, who: str) -> int:
        """How many marks a client must not be shown."""
        return sum(who not in owners for owners in self.marks.values())

    async def knock(self, ask: Ask) -> None:
        """A call by everybody who is shut out."""
        for who in SHUT_OUT:
            self.shut_out += 1
            await self.ask(who, ask, {401})

    async def about(self, ask: Ask, things: Sequence[Thing]) -> None:
        """A call whose path names something, by everybody about all of these."""
        for thing in things:
            filled = replace(ask, path=_filled(ask.path, thing.values))
            await self.knock(filled)
            for who in ACTIVE:
                await self._as(who, filled, own=who in thing.owners)

    async def _as(self, who: str, ask: Ask, *, own: bool) -> None:
        if own and ask.method == "get":
            self.own += 1
            await self.ask(who, ask, {200})
        elif not own:
            self.foreign += 1
            await self.ask(who, ask, {404} if ask.method == "get" else {403, 404})

    async def plain(self, ask: Ask) -> None:
        """A call about the caller's own things: lists, events, endpoint."""
        await self.knock(ask)
        for who in ("stranger",) if ask.method == "post" else ACTIVE:
            self.foreign += who == "stranger"
            await self.ask(who, ask, {200} if ask.method == "get" else {200, 409})

    async def send(self, path: str, bodies: Sequence[tuple[str, bytes]]) -> None:
        """A message, by everybody who may not speak as its sender."""
        for sender, body in bodies:
            ask = Ask("post", path, body)
            await self.knock(ask)
            for who in _others(sender):
                self.foreign += 1
                await self.ask(who, ask, {403} if b'"b2bIds"' in body else {403, 404})


def _others(sender: str) -> tuple[str, ...]:
    """Clients who are not this one. The initiator of a financing is either side of its invoices."""
    own = SIDES if sender == "initiator" else (sender,)
    return tuple(one for one in ACTIVE if one not in own)


def _sample(path: str) -> bytes:
    """The description's own example of a message, between the buyer and the supplier of this network."""
    described = json.loads(schema())
    content = described["paths"][path]["post"]["requestBody"]["content"]
    example = content["application/json"]["examples"]["sample"]
    if "$ref" in example:
        example = described["components"]["examples"][example["$ref"].rpartition("/")[2]]
    text = json.dumps(example["value"])
    for theirs, ours in DESCRIBED_AS.items():
        text = text.replace(theirs, ours)
    return text.encode()


def _filled(path: str, values: Mapping[str, str]) -> str:
    return _PLACES.sub(lambda found: quote(values[found[1]], safe=""), path)


def _described() -> Iterator[Ask]:
    for path, offered in json.loads(schema())["paths"].items():
        for method in offered:
            if method in {"get", "post", "put", "patch", "delete"} and path not in OPEN:
                yield Ask(method, path)


async def _play(matrix: Matrix, there: Known) -> None:
    described = list(_described())
    messages = {m.path: m for m in matrix.net.trade.road.messages.values()}
    matrix.run.progress.goal("calls of the description", len(described))
    for number, ask in enumerate(described, 1):
        matrix.calls.add(str(ask))
        if ask.path in messages:
            message = messages[ask.path]
            sent = there.sent.get(stored_name(message))
            matrix.samples += [ask.path] if sent is None else []
            await matrix.send(ask.path, sent or [(message.sender, _sample(ask.path))])
        else:
            await _other(matrix, ask, there)
        matrix.run.progress.at(number, f"{len(matrix.wrong)} wrong, {len(matrix.leaks)} leaks")


async def _other(matrix: Matrix, ask: Ask, there: Known) -> None:
    places = tuple(_PLACES.findall(ask.path))
    if ask.path in FOR_A_BUSINESS:
        businesses = there.things[("b2bId",)]
        await matrix.send(ask.path, _by_another(FOR_A_BUSINESS[ask.path], businesses))
    elif ask.path in ONBOARDING:
        await matrix.knock(replace(ask, body=b"{}"))
    elif not places:
        await matrix.plain(ask)
    elif places in there.things:
        code = b'{"code":"123456"}' if ask.path.endswith("/code") else None
        room = ("onboarding",) if "/onboarding/" in ask.path else ()
        await matrix.about(replace(ask, body=code), there.things[(*room, *places)])
    else:
        raise ProofError(f"{ask.path}: nobody has said here which objects {places} name")


def _by_another(
    body: Callable[[str], bodies.Body], businesses: Sequence[Thing]
) -> Sequence[tuple[str, bytes]]:
    return [
        (owner, json.dumps(body(thing.values["b2bId"])).encode())
        for thing in businesses
        for owner in thing.owners
    ]


async def measure(run: Run) -> Sequence[Figure]:
    """Play the matrix once; it is the same at every length."""
    async with opened(run) as place:
        await asyncio.to_thread(upgrade, place.url)
        async with tenants(place.url) as net:
            there = await known(net)
            before = await net.stored()
            matrix = Matrix(net, run, there.marks())
            await _play(matrix, there)
            written = _differing(before, await net.stored())
    for line in (*matrix.wrong[:20], *matrix.leaks[:20]):
        run.progress.say(line)
    return [
        at_least("calls of the description", 30, seen=len(matrix.calls)),
        at_least("own things read, which shows that the others exist", 30, seen=matrix.own),
        told("foreign things asked for, or sent as another", f"{matrix.foreign:,}"),
        told("calls by who is shut out", f"{matrix.shut_out:,}"),
        none(f"wrong answers {'; '.join(matrix.wrong[:3])}".rstrip(), len(matrix.wrong)),
        at_least("ids, numbers and amounts of others that were looked for, the supplier's calls apart",
                 MARKS, seen=min(matrix.foreign_to(who) for who in ACTIVE if who != "supplier")),
        at_least("of others than the supplier, who trades with all of them, at his", 1,
                 seen=matrix.foreign_to("supplier")),
        at_least("own ones shown to each of buyer, supplier and lender", MARKS,
                 seen=min(len(matrix.shown[who]) for who in ACTIVE if who != "stranger")),
        at_least("answers of 200 looked through for those of others", ANSWERS, seen=matrix.looked),
        none(f"answers that show what is another's {'; '.join(matrix.leaks[:3])}".rstrip(),
             len(matrix.leaks)),
        none(f"tables that differ afterwards {', '.join(written)}".rstrip(), len(written)),
        told("messages of which the description's sample was sent", ", ".join(matrix.samples)),
        told("statuses", ", ".join(f"{s}: {n:,}" for s, n in sorted(matrix.told.items()))),
    ]  # fmt: skip


def _differing(before: Rows, after: Rows) -> list[str]:
    return [name for name, rows in before.items() if after[name] != rows]


PART = Part(
    name="tenants",
    promise="Nobody reads or writes what is another's: every call, every role, every kind of document.",
    databases=BOTH,
    run=measure,
)
