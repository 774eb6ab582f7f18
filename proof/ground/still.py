"""A network under a clock that only moves when told: the real road and dispatcher, a scripted wire.

Time jumps to whatever is due next. On the way it stops at random moments, at which nothing may go out.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from sqlite3 import Row
from typing import Any

from hundi.delivery.breaker import Breaker
from hundi.delivery.dispatch import Dispatcher
from hundi.delivery.wire import Endpoint, Parcel
from hundi.exchange import redrive
from hundi.exchange.closing import unanswered
from hundi.exchange.outbox import AttemptResult, Outbox
from hundi.exchange.record import State
from hundi.exchange.request import Accepted, read_request
from hundi.exchange.verdict import Answer
from hundi.kernel.sealing import Keyring
from hundi.simulator import story
from hundi.store.engine import drive
from proof.part import ProofError
from tests.simulation.world import World

SUCCESS = b'{"payload":{"resp":{"result":"SUCCESS"}}}'
PENDING = b'{"payload":{"resp":{"result":"PENDING"}}}'
Script = Callable[["Still", Parcel, str], Answer]
"""What answers a webhook to an endpoint (`buyer`, `supplier`); it may let time pass."""
_NEXT = (
    "select min(at) from (select min(due_at) as at from delivery where state = 'QUEUED'"
    " and due_at > :now union all select min(expires_at) from exchange where state = 'OPEN'"
    " and expires_at > :now)"
)


def told(status: int | None, body: bytes = SUCCESS, *, asked: int | None = None) -> Answer:
    """An answer; without a status the receiver was not reached."""
    return Answer(
        status=status, body=body, retry_after=asked, milliseconds=1, reached=status is not None,
        error=None if status is not None else "connect",
    )  # fmt: skip


class _Nobody:
    def attempted(self, result: AttemptResult, now: int) -> None:
        """Nobody counts here."""


class _Wire:
    """The dispatcher's wire: asks the script of the moment."""

    def __init__(self, still: "Still") -> None:
        self._still = still

    async def post(
        self, endpoint: Endpoint, parcel: Parcel, *, now: int, watch: object = None
    ) -> Answer:
        del now, watch
        return self._still.script(self._still, parcel, endpoint.base_url)


class Still:
    """One seed's network of a buyer and a supplier. `script` may be changed at any time."""

    def __init__(self, seed: int, script: Script) -> None:
        world = self.world = World(seed)
        world.database.chance = 0.0
        self.random = Random(seed)
        self.script = script
        self.dispatcher = Dispatcher(
            database=world.database,
            outbox=Outbox(world.road.settler),
            wire=_Wire(self),
            breaker=Breaker(random=self.random.randbytes),
            observer=_Nobody(),
            keyring=Keyring(),
            clock=world.clock,
            random=self.random.randbytes,
        )

    @property
    def now(self) -> int:
        """Virtual now."""
        return self.world.now

    def wait(self, microseconds: int) -> None:
        """Let time pass; nothing is done meanwhile."""
        self.world.now += microseconds

    def send(self, name: str, body: dict[str, Any], *, side: str = "buyer") -> str:
        """Have a message accepted; its reqMsgId. Raises ProofError."""
        road = self.world.road
        raw = story.dumps(body)
        request = read_request(road.messages[name], raw, client_id=side, idempotency_key=None)
        [outcome] = drive(self.world.database.write(lambda tx: road.acceptor.accept(tx, [request])))
        if not isinstance(outcome, Accepted):
            raise ProofError(f"{name} was not accepted: {outcome}")
        return outcome.req_msg_id

    def abandon(self, req_msg_id: str) -> None:
        """Give a proposal up, as its sender may."""
        ending = unanswered(req_msg_id, State.ABANDONED)
        drive(self.world.database.write(lambda tx: self.world.road.settler.end(tx, [ending])))

    def redrive(self, side: str, webhook_id: str) -> None:
        """Send a webhook again, as its sender or receiver may."""
        drive(
            self.world.database.write(
                lambda tx: redrive.redrive(tx, client_id=side, webhook_id=webhook_id)
            )
        )

    def work(self) -> int:
        """Send all that is due now; how much there was."""
        drive(self.dispatcher.sweep())
        sent = 0
        while leased := drive(self.dispatcher.claim(Counter(), 64)):
            self._finish([drive(self.dispatcher.attempt(one)) for one in leased])
            sent += len(leased)
        return sent

    def _finish(self, results: Sequence[AttemptResult]) -> None:
        outbox = self.dispatcher.outbox
        drive(self.world.database.write(lambda tx: outbox.finish(tx, results)))

    def run(self, until: Callable[[], bool], *, tick: int | None = None) -> None:
        """Go from one due time to the next until something is so. Raises ProofError if it never is.

        With a `tick` it looks that often whether anything is due, whatever is planned.
        """
        for _ in range(100_000):
            self.work()
            if until():
                return
            self._jump(tick)
        raise ProofError("nothing moves any more")

    def _jump(self, tick: int | None) -> None:
        if tick is not None:
            self.wait(tick)
            return
        [planned] = self.world.connection.execute(_NEXT, {"now": self.now}).fetchone()
        if planned is None:
            raise ProofError("nothing is due any more")
        for moment in sorted(self.random.randrange(self.now, planned) for _ in range(2)):
            self.world.now = moment
            self.work()  # what goes out here is too early, and its attempt's row shows it
        self.world.now = max(self.now, planned)

    def attempts(self, webhook_id: str) -> list[Row]:
        """The attempts at a webhook, in their order."""
        return self.rows("select * from attempt where webhook_id = ? order by number", webhook_id)

    def one(self, text: str, *arguments: object) -> Row:
        """The only row of a query."""
        [row] = self.rows(text, *arguments)
        return row

    def rows(self, text: str, *arguments: object) -> list[Row]:
        """Rows of a query."""
        return self.world.connection.execute(text, arguments).fetchall()

    def delivery(self, webhook_id: str) -> Row:
        """A webhook's row."""
        return self.one("select * from delivery where webhook_id = ?", webhook_id)

    def state(self, req_msg_id: str) -> str:
        """The state of an exchange."""
        found = self.one("select state from exchange where req_msg_id = ?", req_msg_id)
        return str(found["state"])


def response_to(req_msg_id: str) -> str:
    """The webhook that tells the sender the outcome."""
    return f"RSP{req_msg_id[3:]}"
