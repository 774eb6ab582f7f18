"""One seeded world: a database in memory, two dispatchers, two ERPs, and things that go wrong."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from hundi.delivery.breaker import Breaker
from hundi.delivery.dispatch import Dispatcher
from hundi.documents import MESSAGES
from hundi.exchange.closing import unanswered
from hundi.exchange.feed import number_events
from hundi.exchange.gate import Road
from hundi.exchange.outbox import AttemptResult, Outbox
from hundi.exchange.record import State
from hundi.exchange.request import Accepted, Refused, read_request
from hundi.kernel.clock import DAY, HOUR, SECOND
from hundi.kernel.faults import RefusedError
from hundi.kernel.sealing import Keyring
from hundi.kernel.signature import new_secret
from hundi.simulator.erp import Erp
from hundi.simulator.rules import parse_rules
from hundi.simulator.state import in_memory
from hundi.store.again import Again
from hundi.store.engine import StoreError, Transaction, Work, drive
from hundi.store.sqlite import InlineDatabase
from tests.simulation.network import BadNetwork
from tests.simulation.seats import SIDES, empty_store, seat
from tests.simulation.trade import Request
from tests.simulation.traders import Traders

if TYPE_CHECKING:
    from hundi.exchange.leases import Leased

T = TypeVar("T")

START = 1_770_000_000 * SECOND
LIVE_TRADES = 3
STEPS_PER_TRADE = 400
JUMPS = (*[SECOND] * 6, *[31 * SECOND] * 6, *[HOUR] * 4, 3 * DAY, 10 * DAY)


class CrashError(BaseException):
    """The process died here: nothing of it catches that and goes on."""


class CrashingDatabase(InlineDatabase):
    """Dies before a commit (nothing kept) or after it (nobody told)."""

    def __init__(
        self, connection: sqlite3.Connection, clock: Callable[[], int], random: Random
    ) -> None:
        super().__init__(connection, clock)
        self._random = random
        self.chance = 0.0

    async def write(self, work: Work[T]) -> T:
        fate = self._random.random()

        async def doomed(tx: Transaction) -> T:
            result = await work(tx)
            if fate < self.chance / 2:
                raise CrashError
            return result

        result = await super().write(doomed)
        if fate < self.chance:
            raise CrashError
        return result


class World:
    """Everything of one seed. `step` does one random thing; `settle_down` lets it all end."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = START
        self.connection = empty_store()
        self.database = CrashingDatabase(self.connection, self.clock, self.random)
        secrets = {side: new_secret(self.random.randbytes) for side in SIDES}
        self.states = {side: in_memory() for side in SIDES}
        self.erps = {
            side: Erp([secrets[side]], state=self.states[side], rules=parse_rules(b"[]"))
            for side in SIDES
        }
        self.network = BadNetwork(self.erps, self.random, 0.08)
        drive(self.database.write(lambda tx: seat(tx, secrets)))
        self.database.chance = 0.03
        self.road = Road(
            self.database, MESSAGES, random=self.random.randbytes, accepted=lambda: None
        )
        self.traders = Traders(self.random, self.erps, left=self._left)
        self.left: list[str] = []  # what sweeps could not end
        self.dispatchers = [_Desk(self), _Desk(self)]
        self.acknowledged: dict[str, str] = {}
        self.keyed: dict[tuple[str, str], str] = {}
        self.again: list[tuple[str, str, bytes, str | None]] = []
        self.seen: Counter[str] = Counter()
        self.steps = 0
        self._keys = 0

    def clock(self) -> int:
        """Virtual now."""
        return self.now

    def step(self) -> None:
        """One random thing happens."""
        deeds: tuple[tuple[Callable[[], None], int], ...] = (
            (self._trade, 30),
            (self._repeat, 4),
            (lambda: self.random.choice(self.dispatchers).work(), 150),
            (self._sweep, 4),
            (self._abandon, 2),
            (self._redrive, 2),
            (self._pass_time, 4),
            (lambda: self.network.deliver_late(self.now), 3),
            (self._change_minds, 2),
            (lambda: drive_or_crash(self.database.write(number_events)), 2),
        )
        self.steps += 1
        [deed] = self.random.choices([d for d, _ in deeds], [w for _, w in deeds])
        self.now += self.random.randrange(50_000)
        deed()

    def settle_down(self) -> None:
        """No more trouble: let every lane empty and every exchange end."""
        self.database.chance = 0.0
        self.network.trouble = 0.0
        self.network.deliver_late(self.now)
        for erp in self.erps.values():
            erp.rules = parse_rules(b"[]")
        for desk in self.dispatchers:
            desk.crash()
        for _ in range(2000):
            self.now += 6 * HOUR
            self._sweep()
            self._unpark()
            while self.dispatchers[0].work_all():
                continue
            if not self.unfinished():
                break
        drive(self.database.write(number_events))

    def _unpark(self) -> None:
        """The operator redrives what was parked while the receiver was away."""
        self.connection.execute(
            "update delivery set state = 'QUEUED', due_at = ? where state = 'PARKED'", (self.now,)
        )

    def unfinished(self) -> int:
        """Webhooks that are to go out, and documents whose time is not up yet."""
        text = (
            "select (select count(*) from delivery where state in ('QUEUED', 'LEASED', 'HELD'))"
            " + (select count(*) from deadline)"
        )
        return int(self.connection.execute(text).fetchone()[0])

    def _trade(self) -> None:
        oldest = self.steps // STEPS_PER_TRADE
        chosen = self.random.randrange(oldest, oldest + LIVE_TRADES)
        request = self.traders.request(chosen)
        if request is None or self._rather_waits(request):
            return
        key = None
        if self.random.random() < 0.5:
            self._keys += 1
            key = f"key-{self._keys}"
        outcome = self._submit(request.side, request.path, request.raw, key)
        if isinstance(outcome, Refused):
            better = self.traders.learn(request, outcome.faults)
            if better is not None:
                self._submit(better.side, better.path, better.raw, None)

    def _rather_waits(self, request: Request) -> bool:
        """Most of the time nobody speaks into an exchange that is under way."""
        object_id = min(request.about.items(), default=("", ""))[1]
        row = self.connection.execute(
            "select 1 from document where open_exchange is not null and object_id = ?",
            (object_id,),
        ).fetchone()
        return row is not None and self.random.random() < 0.8

    def _left(self, object_id: str) -> int:
        row = self.connection.execute(
            "select debit - credit - credit_pending from ledger_account"
            " where object_id = ? and name = 'due'",
            (object_id,),
        ).fetchone()
        return int(row[0]) if row is not None else 0

    def _submit(
        self, side: str, name: str, raw: bytes, key: str | None
    ) -> Accepted | Refused | None:
        try:
            request = read_request(
                self.road.messages[name], raw, client_id=side, idempotency_key=key
            )
        except RefusedError:
            self.seen["unreadable"] += 1
            return None
        try:
            [outcome] = drive(
                self.database.write(lambda tx: self.road.acceptor.accept(tx, [request]))
            )
        except CrashError:
            self.again.append((side, name, raw, key))
            self.seen["crashed"] += 1
            return None
        self._note(outcome, side, name, key)
        return None if isinstance(outcome, Again) else outcome

    def _note(
        self, outcome: Accepted | Refused | Again, side: str, name: str, key: str | None
    ) -> None:
        if isinstance(outcome, Accepted):
            self.seen["replayed" if outcome.replayed else name] += 1
            self.acknowledged[outcome.req_msg_id] = side
            if key is not None:
                first = self.keyed.setdefault((side, key), outcome.req_msg_id)
                assert first == outcome.req_msg_id, "one key, two exchanges"
        elif isinstance(outcome, Refused):
            self.seen[outcome.faults[0].code] += 1

    def _repeat(self) -> None:
        """Somebody who heard nothing sends again."""
        if self.again:
            self._submit(*self.again.pop(self.random.randrange(len(self.again))))

    def _sweep(self) -> None:
        drive_or_crash(self.dispatchers[0].dispatcher.sweep())

    def _pass_time(self) -> None:
        self.now += self.random.choice(JUMPS)

    def _abandon(self) -> None:
        rows = self.connection.execute(
            "select req_msg_id from exchange where state = 'OPEN' and effect = 'PROPOSAL'"
        ).fetchall()
        if rows:
            chosen = unanswered(self.random.choice(rows)[0], State.ABANDONED)
            drive_or_crash(self.database.write(lambda tx: self.road.settler.end(tx, [chosen])))

    def _redrive(self) -> None:
        """Some of what may be sent again is sent again, as an impatient operator would."""
        rows = self.connection.execute(
            "select webhook_id from delivery where kind <> 'REQ'"
            " and state in ('PARKED', 'DELIVERED') order by webhook_id"
        ).fetchall()
        for row in rows:
            if self.random.random() < 0.3:
                self.connection.execute(
                    "update delivery set state = 'QUEUED', due_at = ?, redriven = 1"
                    " where webhook_id = ?",
                    (self.now, row["webhook_id"]),
                )

    def _change_minds(self) -> None:
        side = self.random.choice(tuple(SIDES))
        rule = self.random.choice(RULES)
        self.erps[side].rules = parse_rules(rule)


RULES = (
    *[b"[]"] * 5,
    b'[{"when": {"kind": "req"}, "do": {"answer": "decline", "code": "NO", "detail": "no"}}]',
    b'[{"when": {"kind": "req"}, "do": {"answer": "pending"}, "times": 3}]',
    b'[{"do": {"answer": "status", "status": 503}, "times": 5}]',
    b'[{"when": {"kind": "req"}, "do": {"answer": "malformed"}, "times": 2}]',
    b'[{"when": {"kind": "req"}, "do": {"answer": "timeout"}, "times": 2}]',
)


class _Desk:
    """One dispatcher and what it has in hand; a crash empties the hands."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.dispatcher = Dispatcher(
            database=world.database,
            outbox=Outbox(world.road.settler),
            wire=world.network,
            breaker=Breaker(random=world.random.randbytes),
            observer=_Nobody(),
            keyring=Keyring(),
            clock=world.clock,
            random=world.random.randbytes,
        )
        for sweep in self.dispatcher._sweeps:
            sweep.end = self._noting(sweep.end)
        self.crash()

    def _noting(self, end: Callable[..., Any]) -> Callable[..., Any]:
        """Remember what a sweep could not end at once: one by one it may still come to the same."""

        async def noted(tx: Transaction, found: Sequence[Any]) -> Any:
            try:
                return await end(tx, found)
            except StoreError:
                raise
            except Exception as error:
                self._world.left.append(f"{type(error).__name__} of {len(found)}: {error}")
                raise

        return noted

    def crash(self) -> None:
        """Forget everything; the leases stay behind."""
        self._leased: list[Leased] = []
        self._results: list[AttemptResult] = []

    def work(self) -> None:
        """Claim, send or write, whichever comes."""
        random = self._world.random
        try:
            if self._results and random.random() < 0.5:
                self._finish()
            elif self._leased and random.random() < 0.8:
                self._send()
            else:
                self._leased += drive(self.dispatcher.claim(Counter(), random.choice((1, 4, 64))))
        except CrashError:
            self.crash()

    def work_all(self) -> bool:
        """Claim, send and write everything that is due; whether there was anything."""
        self._leased += drive(self.dispatcher.claim(Counter(), 64))
        worked = bool(self._leased)
        while self._leased:
            self._send()
        if self._results:
            self._finish()
        return worked

    def _send(self) -> None:
        leased = self._leased.pop(0)
        self._results.append(drive(self.dispatcher.attempt(leased)))

    def _finish(self) -> None:
        results, self._results = self._results, []
        outbox = self.dispatcher.outbox
        drive(self._world.database.write(lambda tx: outbox.finish(tx, results)))


class _Nobody:
    def attempted(self, result: AttemptResult, now: int) -> None:
        """Nobody counts here."""


def drive_or_crash(coroutine) -> None:  # type: ignore[no-untyped-def]
    """Run work that a crash may end; what it left is for others to find."""
    with suppress(CrashError):
        drive(coroutine)
