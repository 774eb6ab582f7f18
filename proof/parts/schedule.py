"""When a webhook is tried again, and until when, under a clock that moves only when told."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from sqlite3 import Row

import structlog

from hundi.delivery.wire import Parcel
from hundi.exchange.verdict import Answer
from hundi.kernel.clock import DAY, HOUR, MINUTE, SECOND
from hundi.simulator import story
from proof.ground.still import PENDING, Script, Still, response_to, told
from proof.part import MEMORY, Figure, Part, ProofError, Run, at_least, none
from proof.part import told as said

SPANS = (
    5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
)  # fmt: skip
"""As docs/design/protocol.md prints them; every 24 hours afterwards. Not taken from the code on purpose."""
LIFE = 10 * DAY
HOLDS = HOUR
_ORDER, _CONFIRM, _CHANGE = (
    f"purchase-order/req-{name}" for name in ("send", "confirm", "status-change")
)


@dataclass(slots=True)
class Tally:
    """What was seen over all seeds. `ratios` are spans over planned ones where nothing was asked."""

    ratios: list[float] = field(default_factory=list)
    spans: int = 0
    asked: int = 0
    wrong: list[str] = field(default_factory=list)

    def check(self, what: str, *, seen: object, right: object) -> None:
        """Note where something is not what it has to be."""
        if seen != right:
            self.wrong.append(f"{what}: {seen!r}, not {right!r}")

    def failures(self, what: str, attempts: Sequence[Row], *, first: int = 1) -> None:
        """The spans between attempts that all failed, from the end of one to the start of the next."""
        for number, (before, after) in enumerate(pairwise(attempts), first):
            planned = SPANS[number - 1] if number <= len(SPANS) else DAY
            ratio = (after["started_at"] - before["ended_at"]) / planned
            self.ratios.append(ratio)
            self.spans += 1
            if not 0.9 <= ratio <= 1.1:
                self.wrong.append(f"{what}: attempt {number + 1} after {ratio:.4f} of its span")


def failing(still: Still) -> Answer:
    """Fails in one of many ways, and takes its time."""
    still.wait(still.random.randrange(15 * SECOND))
    ways = (told(None), told(500), told(404, b""), told(503, b""), told(302, b""), told(408))
    return still.random.choice(ways)


def only(side: str, paths: str, then: Answer | None = None) -> Script:
    """Fails for one side where the path has these words; everything else succeeds."""

    def script(still: Still, parcel: Parcel, endpoint: str) -> Answer:
        if endpoint == side and paths in parcel.path:
            return then or failing(still)
        return told(200)

    return script


def good(_still: Still, _parcel: Parcel, _endpoint: str) -> Answer:
    """Takes everything."""
    return told(200)


def proposal(seed: int, tally: Tally) -> None:
    """A dead receiver: the schedule, until the exchange expires."""
    still = Still(seed, only("supplier", "req-send"))
    id_ = still.send(_ORDER, story.order())
    began = still.now
    still.run(lambda: still.state(id_) != "OPEN")
    attempts = still.attempts(id_)
    tally.check("first attempt", seen=attempts[0]["started_at"], right=began)
    tally.failures("proposal", attempts)
    tally.check("proposal ends", seen=still.state(id_), right="EXPIRED")
    tally.check("its req-X", seen=still.delivery(id_)["state"], right="WITHDRAWN")
    ended = still.one("select * from exchange where req_msg_id = ?", id_)["ended_at"]
    late = ended - began - LIFE
    tally.check("expires after 10 days, or with the attempt under way", seen=0 <= late <= 30 * SECOND,
                right=True)  # fmt: skip
    tally.check(
        "attempts after its end", seen=attempts[-1]["started_at"] < began + LIFE, right=True
    )
    still.work()
    tally.check("outcome told", seen=still.delivery(response_to(id_))["state"], right="DELIVERED")


def outcome(seed: int, tally: Tally) -> None:
    """A dead sender: the outcome is parked after ten days, and goes out when it is redriven."""
    still = Still(seed, only("buyer", "resp-"))
    id_ = still.send(_ORDER, story.order())
    webhook = response_to(id_)
    still.run(lambda: still.state(id_) == "SETTLED")
    still.run(lambda: still.delivery(webhook)["state"] == "PARKED")
    _parked(still, webhook, tally, what="outcome")
    _redriven(still, webhook, tally, side="buyer")


def fact(seed: int, tally: Tally) -> None:
    """A fact that nobody takes: parked after ten days, never expired; settled when it is redriven."""
    still = Still(seed, only("supplier", "req-"))
    sent = still.send(_ORDER, story.order())
    still.script = only("supplier", "req-send", told(500))
    still.work()
    still.abandon(sent)
    still.script = only("supplier", "req-")
    body = story.status_change(
        "CANCEL", version=1, source="CREATED", target="CANCELLED", remarks="No"
    )
    id_ = still.send(_CHANGE, body)
    still.run(lambda: still.delivery(id_)["state"] == "PARKED")
    tally.check("a parked fact's exchange", seen=still.state(id_), right="OPEN")
    _parked(still, id_, tally, what="fact")
    _redriven(still, id_, tally, side="buyer")
    tally.check("a redriven fact's exchange", seen=still.state(id_), right="SETTLED")


def asked(seed: int, tally: Tally) -> None:
    """A fact that is always to be asked again: parked after ten days, too; settled when redriven."""
    still = Still(seed, only("supplier", "req-send", told(500)))
    sent = still.send(_ORDER, story.order())
    still.work()
    still.abandon(sent)
    still.script = only("supplier", "req-", told(200, PENDING, asked=3600))
    body = story.status_change(
        "CANCEL", version=1, source="CREATED", target="CANCELLED", remarks="No"
    )
    id_ = still.send(_CHANGE, body)
    still.run(lambda: still.delivery(id_)["state"] == "PARKED")
    tally.check("a fact always asked again", seen=still.state(id_), right="OPEN")
    attempts = still.attempts(id_)
    waits = {b["started_at"] - a["ended_at"] for a, b in pairwise(attempts)}
    tally.check("waits of a fact always asked again", seen=waits, right={HOUR})
    _after_ten_days(still, id_, tally, what="fact always asked again")
    _redriven(still, id_, tally, side="buyer")
    tally.check("a redriven fact's exchange", seen=still.state(id_), right="SETTLED")


def _parked(still: Still, webhook: str, tally: Tally, *, what: str) -> None:
    tally.failures(what, still.attempts(webhook))
    _after_ten_days(still, webhook, tally, what=what)


def _after_ten_days(still: Still, webhook: str, tally: Tally, *, what: str) -> None:
    attempts = still.attempts(webhook)
    gives_up = still.delivery(webhook)["created_at"] + LIFE
    ends = [attempt["ended_at"] for attempt in attempts]
    tally.check(f"{what} parked before ten days", seen=ends[-1] < gives_up, right=False)
    tally.check(f"{what} tried after ten days", seen=ends[-2] >= gives_up, right=False)
    still.wait(30 * DAY)
    tally.check(f"{what} sent while parked", seen=still.work(), right=0)


def _redriven(still: Still, webhook: str, tally: Tally, *, side: str) -> None:
    """In vain once, so that the schedule begins anew; then for good."""
    count = len(still.attempts(webhook))
    still.redrive(side, webhook)
    still.work()
    tried = still.attempts(webhook)[count:]
    tally.check("redriven attempts at once", seen=len(tried), right=1)
    tally.check("marked", seen=[bool(attempt["redriven"]) for attempt in tried], right=[True])
    still.script = good
    still.wait(2 * MINUTE)  # the breaker's longest pause is over
    still.redrive(side, webhook)
    still.work()
    tally.check("redriven", seen=still.delivery(webhook)["state"], right="DELIVERED")


def pending(seed: int, tally: Tally) -> None:
    """PENDING is asked again when it says, within limits, and is no failure."""
    asked = (None, 5, 0, 1, 7200, 3600, 59, 10**9)
    right = [s * SECOND for s in (60, 5, 1, 1, 3600, 3600, 59, 3600)]
    turns: Iterator[Answer] = iter(
        [
            *(told(200, PENDING, asked=one) for one in asked),
            told(500),
            told(200, PENDING),
            told(503),
        ]
    )
    still = Still(
        seed, lambda _s, p, _e: next(turns, told(200)) if "/req-" in p.path else told(200)
    )
    id_ = still.send(_ORDER, story.order())
    still.run(lambda: still.state(id_) != "OPEN")
    attempts = still.attempts(id_)
    waits = [b["started_at"] - a["ended_at"] for a, b in pairwise(attempts)]
    tally.asked += len(right)
    tally.check("waits of PENDING", seen=waits[: len(right)], right=right)
    rest = attempts[len(right) :]
    tally.failures("first failure among PENDING", rest[:2])
    tally.check("PENDING after a failure", seen=waits[len(right) + 1], right=60 * SECOND)
    tally.failures("second failure among PENDING", rest[2:4], first=2)
    tally.check("at last", seen=still.state(id_), right="SETTLED")


def patient(seed: int, tally: Tally) -> None:
    """PENDING again and again, at once: ten times as asked, then each minute, after a hundred each ten."""
    turns: Iterator[Answer] = iter([told(200, PENDING, asked=0)] * 120)
    still = Still(
        seed, lambda _s, p, _e: next(turns, told(200)) if "/req-" in p.path else told(200)
    )
    id_ = still.send(_ORDER, story.order())
    still.run(lambda: still.state(id_) != "OPEN")
    waits = [b["started_at"] - a["ended_at"] for a, b in pairwise(still.attempts(id_))]
    right = [SECOND] * 10 + [MINUTE] * 90 + [10 * MINUTE] * 20
    tally.check("waits of PENDING again and again", seen=waits, right=right)
    tally.check("at last, after many PENDING", seen=still.state(id_), right="SETTLED")


def retry_after(seed: int, tally: Tally) -> None:
    """A failed attempt waits for the later of the schedule and what was asked, a day at most."""
    asked = (0, 20, 31, 86_399, 10**9, 90_000)
    turns: Iterator[Answer] = iter([told(503, b"", asked=one) for one in asked])
    still = Still(
        seed, lambda _s, p, _e: next(turns, told(200)) if "/req-" in p.path else told(200)
    )
    id_ = still.send(_ORDER, story.order())
    still.run(lambda: still.state(id_) != "OPEN")
    for number, (before, after) in enumerate(pairwise(still.attempts(id_))):
        wait, wish = after["started_at"] - before["ended_at"], min(asked[number] * SECOND, DAY)
        low, high = (max(SPANS[number] * tenths // 10, wish) for tenths in (9, 11))
        tally.asked += 1
        tally.check(f"Retry-After {asked[number]} after failure {number + 1}", right=True,
                    seen=low <= wait <= high)  # fmt: skip


def lane(seed: int, tally: Tally) -> None:
    """An outcome that cannot be delivered holds the lane of its document for an hour, not longer."""
    still = Still(seed, only("buyer", "resp-send"))
    first = still.send(_ORDER, story.order())
    still.run(lambda: still.state(first) == "SETTLED")
    still.work()
    held = still.delivery(response_to(first))["created_at"]
    body = story.confirmation("ACCEPT", version=1, target="ACCEPTED", remarks="Yes")
    second = still.send(_CONFIRM, body, side="supplier")
    tick = still.random.randrange(2, 20) * SECOND
    still.run(lambda: still.state(second) == "SETTLED", tick=tick)
    waited = still.attempts(second)[0]["started_at"] - held
    tally.check(
        "what waits behind an outcome goes out before the hour", seen=waited < HOLDS, right=False
    )
    slack = tick + 16 * SECOND  # an attempt at the outcome may be under way as the hour ends
    tally.check(
        "what waits behind an outcome waits longer", seen=waited > HOLDS + slack, right=False
    )
    tally.check("waiting is no failing", seen=still.delivery(second)["failures"], right=0)


SCENES = (proposal, outcome, fact, asked, pending, patient, retry_after, lane)


async def measure(run: Run) -> Sequence[Figure]:
    """Play each scene for many seeds."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        return _played(run)
    finally:
        structlog.configure(**before)


def _played(run: Run) -> Sequence[Figure]:
    many, tally = run.size(full=1000, brief=60, tiny=2), Tally()
    run.progress.goal("seeds, eight scenes each", many)
    for seed in range(1, many + 1):
        for scene in SCENES:
            before = len(tally.wrong)
            try:
                scene(seed * 1000 + run.seed, tally)
            except ProofError as error:
                tally.wrong.append(str(error))
            for complaint in tally.wrong[before:][:5]:
                run.progress.say(f"seed {seed}, {scene.__name__}: {complaint}")
        run.progress.at(seed, f"{tally.spans:,} spans, {len(tally.wrong)} wrong")
    shown = f": {tally.wrong[0]}" if tally.wrong else ""
    low, high = min(tally.ratios), max(tally.ratios)
    return [
        at_least("spans between failed attempts", 20 * many, seen=tally.spans),
        none("spans more than a tenth off the schedule", sum(not 0.9 <= r <= 1.1 for r in tally.ratios)),
        said("shortest and longest span, of what is planned", f"{low:.4f} and {high:.4f}"),
        at_least("width of the jitter", 0.15, seen=high - low),
        at_least("waits that the receiver asked for", 10 * many, seen=tally.asked),
        none(f"attempts, ends, parkings or lanes other than the protocol says{shown}", len(tally.wrong)),
    ]  # fmt: skip


PART = Part(
    name="schedule",
    promise="Attempts come when the protocol says, within a tenth, and end when it says.",
    databases=(MEMORY,),
    run=measure,
)
