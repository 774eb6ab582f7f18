"""One seeded world: a database in memory, two dispatchers, two ERPs, and things that go wrong."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa

from hundi.delivery.breaker import Breaker
from hundi.delivery.dispatch import Dispatcher
from hundi.documents import MESSAGES, purchase_order
from hundi.exchange import tables
from hundi.exchange.closing import unanswered
from hundi.exchange.feed import number_events
from hundi.exchange.gate import Road
from hundi.exchange.outbox import AttemptResult, Outbox
from hundi.exchange.record import State
from hundi.exchange.request import Accepted, Refused, read_request
from hundi.kernel.clock import DAY, HOUR, SECOND
from hundi.kernel.faults import RefusedError
from hundi.kernel.signature import new_secret
from hundi.parties import tables as parties
from hundi.simulator.erp import Erp
from hundi.simulator.rules import parse_rules
from hundi.simulator.state import in_memory
from hundi.store.batch import Again
from hundi.store.engine import Transaction, Work, drive
from hundi.store.metadata import metadata
from hundi.store.sqlite import InlineDatabase
from tests.simulation import trade
from tests.simulation.network import BadNetwork

if TYPE_CHECKING:
    from hundi.exchange.leases import Leased

T = TypeVar("T")

START = 1_770_000_000 * SECOND
SIDES = {"buyer": trade.BUYER, "supplier": trade.SUPPLIER}
LIVE_OBJECTS = 3
STEPS_PER_OBJECT = 25
JUMPS = (*[SECOND] * 6, *[31 * SECOND] * 6, *[HOUR] * 4, 3 * DAY, 10 * DAY)


class CrashError(Exception):
    """The process died here."""


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
        self.connection = _connection()
        self.database = CrashingDatabase(self.connection, self.clock, self.random)
        secrets = {side: new_secret(self.random.randbytes) for side in SIDES}
        self.states = {side: in_memory() for side in SIDES}
        self.erps = {side: _erp(secrets[side], self.states[side]) for side in SIDES}
        self.network = BadNetwork(self.erps, self.random, 0.08)
        drive(self.database.write(lambda tx: _parties(tx, secrets)))
        self.database.chance = 0.03
        self.road = Road(
            self.database, MESSAGES, random=self.random.randbytes, accepted=lambda: None
        )
        self.messages = {m.name: m for m in purchase_order.MESSAGES}
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
            (lambda: self.random.choice(self.dispatchers).work(), 50),
            (self._sweep, 4),
            (self._abandon, 2),
            (self._redrive, 2),
            (self._pass_time, 6),
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
            if not self._unfinished():
                break
        drive(self.database.write(number_events))

    def _unpark(self) -> None:
        """The operator redrives what was parked while the receiver was away."""
        self.connection.execute(
            "update delivery set state = 'QUEUED', due_at = ? where state = 'PARKED'", (self.now,)
        )

    def _unfinished(self) -> int:
        text = "select count(*) from delivery where state in ('QUEUED', 'LEASED')"
        return int(self.connection.execute(text).fetchone()[0])

    def _trade(self) -> None:
        side = self.random.choice(("buyer", "buyer", "supplier"))
        key = None
        if self.random.random() < 0.5:
            self._keys += 1
            key = f"key-{self._keys}"
        made = self._request(side)
        if made is not None:
            self._submit(side, made[0], made[1], key)

    def _request(self, side: str) -> tuple[str, bytes] | None:
        newest = self.steps // STEPS_PER_OBJECT
        object_id = f"O{self.random.randrange(max(0, newest - LIVE_OBJECTS), newest + 1)}"
        held = self._belief(side, object_id)
        if held is not None and self.random.random() < 0.1:
            held = trade.muddled(held, self.random)
        if side == "supplier":
            if held is None:
                return None
            return trade.confirm(held, self.random.choice(tuple(trade.CONFIRM)))
        if held is None:
            return self._first(object_id)
        if self.random.random() < 0.5:
            return trade.edit(held, new=held.version + self.random.choice((1, 1, 1, 2)))
        return trade.change(held, self.random.choice(("CANCEL", "CLOSE", "CLOSE")))

    def _belief(self, side: str, object_id: str) -> trade.Belief | None:
        held = self.erps[side].held(object_id)
        if held is None:
            return None
        return trade.Belief(object_id, held.version, held.status, held.agreed)

    def _first(self, object_id: str) -> tuple[str, bytes]:
        """The buyer has sent nothing yet that the supplier holds: send, or withdraw."""
        version = self.random.choice((1, 1, 1, 2, 3))
        if self.random.random() < 0.75:
            return trade.send(object_id, version=version)
        draft = trade.Belief(object_id, version, "CREATED", None)
        return trade.change(draft, "CANCEL")

    def _submit(self, side: str, name: str, raw: bytes, key: str | None) -> None:
        try:
            request = read_request(self.messages[name], raw, client_id=side, idempotency_key=key)
        except RefusedError:
            self.seen["unreadable"] += 1
            return
        try:
            [outcome] = drive(
                self.database.write(lambda tx: self.road.acceptor.accept(tx, [request]))
            )
        except CrashError:
            self.again.append((side, name, raw, key))
            self.seen["crashed"] += 1
            return
        self._note(outcome, side, key)

    def _note(self, outcome: Accepted | Refused | Again, side: str, key: str | None) -> None:
        if isinstance(outcome, Accepted):
            self.seen["replayed" if outcome.replayed else "accepted"] += 1
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
    b"[]",
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
            clock=world.clock,
            random=world.random.randbytes,
        )
        self._leased: list[Leased] = []
        self._results: list[AttemptResult] = []

    def crash(self) -> None:
        """Forget everything; the leases stay behind."""
        self._leased, self._results = [], []

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
    try:
        drive(coroutine)
    except CrashError:
        return


def _connection() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    for statement in _schema():
        connection.execute(statement)
    return connection


def _schema() -> list[str]:
    statements: list[str] = []
    engine = sa.create_mock_engine(
        "sqlite://", lambda made, *_: statements.append(str(made.compile(dialect=engine.dialect)))
    )
    assert tables.document.metadata is parties.client.metadata is metadata
    metadata.create_all(engine, checkfirst=False)
    return statements


def _erp(secret: str, state) -> Erp:  # type: ignore[no-untyped-def]
    return Erp([secret], state=state, rules=parse_rules(b"[]"))


async def _parties(tx: Transaction, secrets: dict[str, str]) -> None:
    for side, b2b_id in SIDES.items():
        await tx.execute(
            sa.insert(parties.client).values(
                client_id=side,
                name=side,
                secret_hash="",
                username=side,
                password_hash="",
                mailbox=False,
                endpoint_url=side,
                endpoint_headers="{}",
                empty_means_success=False,
                webhook_secret=secrets[side],
                failed_exchanges=0,
                created_at=tx.now,
            )
        )
        pan = b2b_id.removesuffix("@BCB")
        await tx.execute(
            sa.insert(parties.entity).values(entity_id=side, pan=pan, name=side, created_at=tx.now)
        )
        await tx.execute(
            sa.insert(parties.b2b_id).values(
                b2b_id=b2b_id, entity_id=side, client_id=side, active=True, created_at=tx.now
            )
        )
