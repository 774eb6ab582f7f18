"""Every call of the served description with what it allows and what it forbids, over HTTP.

Schemathesis makes the cases and judges the answers: no 5xx, nothing but described statuses, content types,
bodies and headers; what the description forbids is refused, what it allows is not refused as malformed.
What is not judged: the order of the rules (the trades' part does), and what `UNSAYABLE` names.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hundi.kernel.clock import DAY
from hundi.parties import tables as parties
from hundi.store.engine import Transaction
from hundi.store.migrate import upgrade
from hundi.web.openapi import schema
from proof.ground.databases import Place, opened
from proof.ground.describing import Ground, Task, Told, played
from proof.ground.doorstep import Doorstep
from proof.ground.known import DESCRIBED_AS, Known, known
from proof.ground.network import Network
from proof.ground.receiving import Systems
from proof.ground.tenants import tenants
from proof.part import BOTH, Figure, Length, Part, Run, at_least, none, told
from proof.spread import Seen, played_seeds

CASES = 50_000
_MESSAGES = "/api/"
_SILENT = "http://127.0.0.1:9/nobody"
_TINY = ("/network/v1/events", "/network/v1/documents/{type}/{objectId}", "/oauth/token")


@dataclass(frozen=True, slots=True)
class Playing:
    """Plays a task by its number, in another process; what it saw is left in a file."""

    ground: Ground
    tasks: Sequence[Task]
    folder: Path

    def __call__(self, number: int) -> Seen:
        """Play it, and say what was broken."""
        seen = played(self.ground, self.tasks[number])
        seen.write(self.folder / f"{number}.json")
        return Seen(seen.broken)


async def measure(run: Run) -> Sequence[Figure]:
    """A network with a document of every kind; then every call, on every core."""
    async with opened(run) as place:
        found = await _filled(place)
        network = Network(run, place, Systems(run.chance("systems")))
        server = network.seat("all")
        await server.start()
        try:
            ground = _ground(f"http://127.0.0.1:{server.port}", found)
            tasks = _tasks(run, ground.description)
            playing = Playing(ground, tasks, run.folder)
            await _played(run, playing)
            step = Doorstep(ground)
            await step.visit()
        finally:
            await server.stop()
    return _figures(run, [_told(run.folder / f"{n}.json") for n in range(len(tasks))], step)


async def _played(run: Run, playing: Playing) -> None:
    def replay(number: int) -> str:
        task = playing.tasks[number]
        return f"{task.path or 'all calls'}: {', '.join(task.phases)}, seed {task.seed}"

    seeds = range(len(playing.tasks))
    await played_seeds(run, playing, seeds=seeds, what="calls described", replay=replay)


def _told(path: Path) -> Told:
    if not path.exists():
        return Told(broken=[f"{path.stem}: the engine did not come to its end"])
    return Told(**json.loads(path.read_text()))


async def _filled(place: Place) -> Known:
    await asyncio.to_thread(upgrade, place.url)
    async with tenants(place.url) as net:
        await net.trade.database.write(_settle)
        return await known(net)


async def _settle(tx: Transaction) -> None:
    """Tokens for a long run. Buyer and lenders are mailboxes; what the supplier gets stays under way."""
    token, client = parties.access_token, parties.client
    await tx.execute(sa.update(token).values(expires_at=tx.now + 30 * DAY))
    await tx.execute(sa.update(client).values(mailbox=True, endpoint_url=None))
    silent = sa.update(client).where(client.c.client_id == "supplier")
    await tx.execute(silent.values(mailbox=False, endpoint_url=_SILENT))


def _ground(base: str, found: Known) -> Ground:
    description = json.loads(schema())
    samples: dict[str, list[Any]] = {}
    for path, offered in description["paths"].items():
        content = offered.get("post", {}).get("requestBody", {}).get("content", {})
        if path.startswith(_MESSAGES):
            samples[path] = [_sample(description, content["application/json"]["examples"])]
    for name, sent in found.sent.items():
        for path in samples:
            if path.endswith(f"/{name}"):
                samples[path] += [json.loads(body) for _, body in sent]
    places = [thing.values for things in found.things.values() for thing in things]
    return Ground(base, description, samples, places)


def _sample(description: Mapping[str, Any], examples: Mapping[str, Any]) -> Any:
    example = examples["sample"]
    if "$ref" in example:
        example = description["components"]["examples"][example["$ref"].rpartition("/")[2]]
    text = json.dumps(example["value"])
    for theirs, ours in DESCRIBED_AS.items():
        text = text.replace(theirs, ours)
    return json.loads(text)


def _tasks(run: Run, description: Mapping[str, Any]) -> list[Task]:
    """One for each path, the largest first, and those that go from call to call."""
    paths = _TINY if run.length is Length.TINY else tuple(description["paths"])
    examples = run.size(full=700, brief=3, tiny=5)
    tasks = [
        Task(path=path, phases=_phases(run, path), examples=examples, seed=run.seed)
        for path in paths
    ]
    walks = range(run.size(full=2 * (os.cpu_count() or 1), brief=1, tiny=0))
    steps = run.size(full=500, brief=2, tiny=1)
    return [
        *(Task(path="", phases=("stateful",), examples=steps, seed=run.seed + n) for n in walks),
        *tasks,
    ]


def _phases(run: Run, path: str) -> tuple[str, ...]:
    """The edges of every member of a message are hundreds of cases: not in a brief run."""
    if run.length is Length.FULL or (run.length is Length.BRIEF and not path.startswith(_MESSAGES)):
        return ("examples", "coverage", "fuzzing")
    return ("examples", "fuzzing")


def _figures(run: Run, seen: Sequence[Told], step: Doorstep) -> list[Figure]:
    phases, statuses, excused = Counter[str](), Counter[str](), Counter[str]()
    taken = Counter[str]()
    for one in seen:
        phases.update(one.phases)
        statuses.update(one.statuses)
        excused.update(one.excused)
        taken.update(one.taken)
    broken = [line for one in seen for line in one.broken]
    for line in (*broken, *step.wrong):
        run.progress.say(line)
    cases = sum(one.cases for one in seen)
    return [
        at_least("cases", run.size(full=CASES, brief=300, tiny=20), seen=cases),
        told("of them", ", ".join(f"{name} {n:,}" for name, n in sorted(phases.items()))),
        at_least(
            "calls that were taken, 2xx, once or more often",
            run.size(full=25, brief=20, tiny=1),
            seen=len(taken),
        ),
        told("calls that never were", ", ".join(sorted(_calls(run) - taken.keys())) or "none"),
        none("answers of 5xx", sum(n for s, n in statuses.items() if s.startswith("5"))),
        none("requests without an answer", statuses["none"]),
        none("kinds of answers that break the description", len(broken)),
        told("unknown paths, methods and content types tried", f"{step.tried:,}"),
        none("of them answered in another way than the description says", len(step.wrong)),
        told("statuses", _counted(statuses)),
        told("refused for what no schema can say", _counted(excused)),
    ]


def _calls(run: Run) -> set[str]:
    """Those of the description that were made, as `GET /network/v1/events`."""
    paths: Mapping[str, Mapping[str, Any]] = json.loads(schema())["paths"]
    chosen = _TINY if run.length is Length.TINY else tuple(paths)
    return {
        f"{method.upper()} {path}" for path in chosen for method in paths[path]
        if method != "parameters"
    }  # fmt: skip


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name}: {n:,}" for name, n in sorted(counter.items())) or "none"


PART = Part(
    name="schema",
    promise="Every call answers as its description says, whatever is sent: allowed, forbidden or strange.",
    databases=BOTH,
    run=measure,
)
