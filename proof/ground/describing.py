"""Schemathesis over one call of the served description, in a process of its own.

It makes what the description allows and what it forbids, sends it to a real server, and judges the
answers by the description. What it makes of a message rarely names a business or a document that there
is, so two of three allowed bodies are grafted onto one that the network has taken before.
"""

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import EngineEvent, NonFatalError, ScenarioFinished
from schemathesis.generation import GenerationMode

PHASES = ("examples", "coverage", "fuzzing", "stateful")
UNSAYABLE = {
    "READ-CURSOR": "a cursor is one that was given out",
    "SHAPE-NUL": "no text holds NUL, also where the description leaves members free",
    "SHAPE-NUMBER": "no number has an exponent beyond 20, likewise",
    "SHAPE-DEPTH": "nothing is nested deeper than 32, likewise",
    "WHOLE-NUMBER": "1.0 is an integer to JSON Schema, and no version of a document here",
    "TOKEN-MEMBER": "a member of the form of a token call comes once, also one that nobody knows",
    "TOKEN-CLIENT": "the form of a token call names the client of its Basic header",
    "SHAPE-DATE": "no leap second, no year 0000, no small t or z",
    "SHAPE-PRECISION": "so many decimals; multipleOf is judged in binary fractions",
    "SHAPE-COUNT": "no body holds more than 100,000 values",
    "HTTP-PARAMETER": "no part of a path holds NUL",
}
"""Codes of what a JSON Schema cannot say or would have to say everywhere. Whoever is refused with
nothing but these has sent what the description seems to allow."""
_WHOLE = "is not a whole number. Send it without point and exponent."
_ACCEPTABLE = ["2xx", "403", "404", "409", "422", "429"]
"""What the description can promise: whose B2B ID, which document and which sums is for the rules.

Every call but that for a token goes out with one that is believed: 401 is no answer to it.
"""
_TOKEN_CALL = "/oauth/token"
_ACTORS = {"buyer": "buyer", "supplier": "supplier", "lender side": "lender-a"}
_READERS = ("buyer", "supplier", "lender-a")


@dataclass(frozen=True, slots=True)
class Ground:
    """What the cases are made of: where the server is, bodies by path, and values by path parameters."""

    base: str
    description: Mapping[str, Any]
    samples: Mapping[str, Sequence[Any]]
    places: Sequence[Mapping[str, str]]


@dataclass(slots=True)
class Told:
    """What one run saw. `broken` are failures in words, each with the curl command that shows it.

    `taken` counts answers of 2xx by the call, such as `GET /network/v1/events`.
    """

    cases: int = 0
    phases: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    excused: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Leave it for the process that asked."""
        path.write_text(json.dumps(asdict(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One call, or all of them where `path` is empty, through some phases."""

    path: str
    phases: Sequence[str]
    examples: int
    seed: int


def played(ground: Ground, task: Task) -> Told:
    """Everything that the engine makes of a task."""
    told = Told()
    phases, statuses, excused = Counter[str](), Counter[str](), Counter[str]()
    taken = Counter[str]()
    seen: set[tuple[str, str, str]] = set()
    for event in from_schema(_described(ground, task, excused)).execute():
        if isinstance(event, ScenarioFinished):
            phases[event.phase.value] += len(event.recorder.interactions)
            statuses.update(_statuses(event))
            taken.update(_taken(event))
            told.broken += _broken(event, seen)
        else:
            told.broken += [line for line in _stopped(event) if line not in told.broken]
    told.cases = phases.total()
    told.phases, told.statuses, told.excused = dict(phases), dict(statuses), dict(excused)
    told.taken = dict(taken)
    return told


def _config(ground: Ground, task: Task) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": task.seed,
            "suppress-health-check": ["all"],
            "base-url": ground.base,
            "continue-on-failure": True,
            "request-timeout": 30,
            "phases": {phase: {"enabled": phase in task.phases} for phase in PHASES},
            "generation": {
                "max-examples": task.examples, "no-shrink": True, "database": "none",
            },
            "checks": {
                "positive_data_acceptance": {"expected-statuses": _ACCEPTABLE},
                "negative_data_rejection": {
                    "expected-statuses": ["400", "401", "403", "404", "405", "409", "413", "415",
                                          "422", "429"],
                },
            },
        }
    )  # fmt: skip


def _described(ground: Ground, task: Task, excused: Counter[str]) -> Any:
    described: Any = schemathesis.openapi.from_dict(
        dict(ground.description), config=_config(ground, task)
    )

    @described.auth(refresh_interval=None)
    class _Callers:
        """Who calls: the one whose message it is; readers take turns."""

        def get(self, case: Any, _context: object) -> str:
            return _caller(case)

        def set(self, case: Any, data: str, _context: object) -> None:
            if case.path != _TOKEN_CALL:
                case.headers["Authorization"] = f"Bearer {data}-token"

    def map_case(_context: object, case: Any) -> Any:
        return _deepened(ground, case)

    def filter_failure(_context: object, failure: Any, case: Any, response: Any) -> bool:
        if type(failure).__name__ != "RejectedPositiveData":
            return True
        if case.path == _TOKEN_CALL and response.status_code == 401:
            return False  # which clients there are the description does not promise
        codes = _codes(response)
        if not codes or not codes <= UNSAYABLE.keys():
            return True
        excused.update(codes)
        return False

    described.hook(map_case)
    described.hook(filter_failure)
    return described.include(path=task.path) if task.path else described


def _caller(case: Any) -> str:
    actor = case.operation.definition.raw.get("x-actor", "")
    return _ACTORS.get(actor) or _dice(case).choice(_READERS)


def _dice(case: Any) -> Random:
    """The same for the same case, so that a seed plays again what it played."""
    told = f"{case.method} {case.path} {case.path_parameters!r} {case.query!r} {case.body!r}"
    return Random(sha256(told.encode(errors="replace")).digest())


def _deepened(ground: Ground, case: Any) -> Any:
    """An allowed case with parts that lead to what there is; a forbidden one as it is."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return case
    dice = _dice(case)
    fitting = [p for p in ground.places if p.keys() == case.path_parameters.keys()]
    if fitting and case.path_parameters and dice.random() < 0.6:
        case.path_parameters = {n: quote(v, "") for n, v in dice.choice(fitting).items()}
    samples = ground.samples.get(case.path)
    if samples and isinstance(case.body, dict) and dice.random() < 0.67:
        case.body = _grafted(dice.choice(samples), case.body, dice)
    if "wait" in (case.query or {}):
        case.query["wait"] = 0
    return case


def _grafted(stock: Any, scion: Mapping[str, Any], dice: Random) -> Any:
    """A body that was taken, with some members of a made one; now and then another document's."""
    body = json.loads(json.dumps(stock))
    for name, made in scion.items():
        kept = body.get(name)
        if isinstance(made, dict) and isinstance(kept, dict) and name != "b2bIds":
            taken = {n: value for n, value in made.items() if dice.random() < 0.1}
            kept.update(taken)
            if "objectId" in kept and dice.random() < 0.5:
                kept["objectId"] = f"{dice.getrandbits(128):032X}"
        elif name != "b2bIds" and dice.random() < 0.1:
            body[name] = made
    return body


def _codes(response: Any) -> set[str]:
    try:
        told = response.json()
    except ValueError:
        return set()
    told = told.get("payload", told) if isinstance(told, dict) else {}
    if "not the one in the Basic header" in told.get("error_description", ""):
        return {"TOKEN-CLIENT"}
    if "form member is repeated" in told.get("error_description", ""):
        return {"TOKEN-MEMBER"}
    return {
        "WHOLE-NUMBER" if _WHOLE in fault["detail"] else fault["code"]
        for fault in told.get("faults", ())
    }


def _statuses(event: ScenarioFinished) -> Iterator[str]:
    for interaction in event.recorder.interactions.values():
        response = interaction.response
        yield "none" if response is None else str(response.status_code)


def _taken(event: ScenarioFinished) -> Iterator[str]:
    for case_id, interaction in event.recorder.interactions.items():
        response = interaction.response
        if response is not None and response.status_code // 100 == 2:
            yield event.recorder.cases[case_id].value.operation.label


def _broken(event: ScenarioFinished, seen: set[tuple[str, str, str]]) -> Iterator[str]:
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            info = check.failure_info
            if check.status is not Status.FAILURE or info is None:
                continue
            interaction = event.recorder.interactions[case_id]
            said = interaction.response
            label, why = event.label or "", info.failure.message.split("\n- ")[0][:300]
            kind = ", ".join(sorted(_codes(said) - UNSAYABLE.keys())) if said else "none"
            key = (label, type(info.failure).__name__, kind or why)
            if key not in seen:
                seen.add(key)
                text = "" if said is None else _said(said)[:400]
                yield f"{label}: {info.failure.title}: {why} ({kind})\n  {text}\n  {_curl(interaction.request)}"


def _said(response: Any) -> str:
    """What an answer complains of besides what no schema can say; all of it, where that is nothing."""
    try:
        told = response.json()
    except ValueError:
        return str(response.text)
    told = told.get("payload", told) if isinstance(told, dict) else {}
    faults = told.get("faults", ()) if isinstance(told, dict) else ()
    wrong = [fault for fault in faults if fault["code"] not in UNSAYABLE]
    return json.dumps(wrong) if wrong else str(response.text)


def _stopped(event: EngineEvent) -> list[str]:
    if isinstance(event, NonFatalError):
        return [f"{event.label}: the engine could not go on: {event.value}"]
    return []


def _curl(request: Any) -> str:
    """The request as it was sent, as a command for a shell."""
    words = ["curl", "-i", "-X", request.method, request.uri]
    for name, values in request.headers.items():
        if name.lower() not in {"content-length", "user-agent", "accept-encoding", "connection"}:
            words += ["-H", f"{name}: {values[0]}"]
    if request.body:
        words += ["--data-binary", request.body.decode(errors="backslashreplace")]
    return shlex.join(words)
