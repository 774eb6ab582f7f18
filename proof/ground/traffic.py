"""Callers who insist: each message is sent again under its key until it is acknowledged.

Half of the messages are new orders, half cancel an order that the supplier has. Now and then a message
that was acknowledged long ago is sent again: it must get the very same answer.
"""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from random import Random

from bench import orders
from bench.server import BenchError
from proof.ground.calling import Answer, Line
from proof.ground.network import Network
from proof.part import ProofError

CALLERS = 24
NOT_NOW = {408, 429, 502, 503}
NO_HINT = " without Retry-After"
MOST_REFUSED = 200
AGAIN = 0.02
"""Share of messages after which an old one is repeated."""
_ID = b'"reqMsgId":"'

Message = tuple[str, int]
"""`send` or `cancel`, and the order's number."""


@dataclass(slots=True)
class Traffic:
    """What was sent over a network and what became of it, by message.

    `pause` is what each caller waits between two messages, in seconds. `repeats` are old messages that
    were sent again and answered for good, `differing` those of them that got another answer than before.
    """

    network: Network
    chance: Random
    callers: int = CALLERS
    pause: float = 0.0
    answers: dict[Message, bytes] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    repeats: int = 0
    differing: int = 0
    unanswered: int = 0
    last: int = 0
    _held: deque[int] = field(default_factory=deque)
    _kinds: dict[str, orders.Request] = field(default_factory=dict)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def acknowledged(self) -> int:
        """How many messages have their ack."""
        return len(self.answers)

    def ids(self) -> set[str]:
        """The message ids that were told."""
        return {told_id(answer) for answer in list(self.answers.values())}

    async def start(self) -> None:
        """Begin to call, and cancel what the supplier has been heard to hold."""
        await self._renew()
        self.network.systems.on_end = self._ended
        self._tasks = [asyncio.create_task(self._caller(n)) for n in range(self.callers)]

    async def stop(self) -> None:
        """Begin nothing new; insist on what was begun until each message has its ack."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)

    async def flows(self, *, more: int = 1, seconds: float = 60) -> None:
        """Wait until so many more are acknowledged. Raises ProofError where nothing moves."""
        wanted = self.acknowledged + more
        try:
            async with asyncio.timeout(seconds):
                while self.acknowledged < wanted:
                    self.check()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            seen = dict(self.statuses)
            raise ProofError(f"nothing is acknowledged any more; statuses {seen}") from None

    def check(self) -> None:
        """Raise what ended a caller."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    def _ended(self, path: bytes, body: bytes) -> None:
        if b"/resp-send" in path and b'"PUR' in body:
            at = body.index(b'"PUR') + 4
            self._held.append(int(body[at : at + 32]))

    async def _caller(self, place: int) -> None:
        ports = self.network.ports
        line = Line(ports[place % len(ports)])
        try:
            while not self._stopping.is_set():
                message = self._next()
                if await self._insist(line, message) and self.chance.random() < AGAIN:
                    await self._repeat(line)
                await asyncio.sleep(self.pause)
        finally:
            line.close()

    def _next(self) -> Message:
        if self._held and self.chance.random() < 0.6:
            return "cancel", self._held.popleft()
        self.last += 1
        return "send", self.last

    async def _insist(self, line: Line, message: Message) -> bool:
        """Send until there is an ack; False where it was refused for good."""
        while True:
            answer = await line.call(self._bytes(message))
            if answer is None:
                self.unanswered += 1
                await asyncio.sleep(self.chance.uniform(0.1, 0.4))
            elif answer.status == 200:
                self.answers[message] = answer.body
                return True
            elif not await self._may_come_right(answer, message):
                return False

    async def _may_come_right(self, answer: Answer, message: Message) -> bool:
        hint = "" if "retry-after" in answer.headers or answer.status != 503 else NO_HINT
        self.statuses[f"{answer.status}{hint}"] += 1
        if answer.status == 401:
            await self._renew()
            return True
        if answer.status in NOT_NOW:
            await asyncio.sleep(self.chance.uniform(0.1, 0.3))
            return True
        self.refused.append(f"{message}: {answer.status} {answer.body[:300]!r}")
        if len(self.refused) > MOST_REFUSED:
            raise ProofError(f"refused for good more than {MOST_REFUSED} times: {self.refused[0]}")
        return False

    async def _repeat(self, line: Line) -> None:
        message = self.chance.choice(list(self.answers)) if self.answers else None
        if message is None:
            return
        again = await line.call(self._bytes(message))
        if again is None or again.status == 401 or again.status in NOT_NOW:
            return  # nobody has said yet what became of it
        self.repeats += 1
        self.differing += (again.status, again.body) != (200, self.answers[message])

    def _bytes(self, message: Message) -> bytes:
        kind, number = message
        return self._kinds[kind].numbered(number)

    async def _renew(self) -> None:
        """New tokens; while nobody gives any, ask again."""
        async with self._renewing:
            token = await self._token()
        for kind, path, body in (
            ("send", orders.SEND, orders.send()),
            ("cancel", orders.STATUS_CHANGE, orders.status_change()),
        ):
            key = f"idempotency-key: {kind}-{orders.MARK}\r\n"
            self._kinds[kind] = orders.request(path, body, token=token, more=key)

    async def _token(self) -> str:
        for _ in range(200):
            try:
                return (await self.network.tokens())["buyer"]
            except (BenchError, OSError):  # the server may be away just now
                await asyncio.sleep(0.1)
        raise ProofError("no token is to be had")


def told_id(answer: bytes) -> str:
    """The message id in an ack."""
    at = answer.index(_ID) + len(_ID)
    return answer[at : at + 35].decode()
