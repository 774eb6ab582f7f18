"""Group commit: requests that arrive while a transaction is in flight share the next one.

Each member gets an outcome of its own. The batch's work returns one outcome a member, in order, or
`AGAIN` or `LATER` for one that must be judged afresh in a later batch.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

import structlog

from hundi.kernel.faults import RefusedError
from hundi.store.again import LATER, Again
from hundi.store.engine import (
    BRIEFLY,
    CommitUnknownError,
    Database,
    LockedError,
    RetryableError,
    StoreError,
    Transaction,
    UnavailableError,
)
from hundi.store.ran import Ran
from hundi.store.suspects import LOCKED_SECONDS, Suspects

M = TypeVar("M")
R = TypeVar("R")
T = TypeVar("T")

SHARES = 4
WHOLE_RETRIES = 5
AGAIN_LIMIT = 8
LATER_AT_ONCE = 4
"""Of those for whom there was no room: others shall not wait behind them, nor all be judged anew for one."""
PATIENCE_SECONDS = 5
SHORTLY = 250
"""Milliseconds that a whole batch waits for locks for half a minute after one waited in vain. None of it is
refused at once where that is too short: its members go by themselves."""
COMPANY = 16
LINGER_SECONDS = 0.003
"""A batch beside another one begins with so many members, or after so long with those there are. Begun
with the first to come, most had one member, and its own round trips, statements and flush."""

_log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Waiting(Generic[M, R]):
    member: M
    future: "asyncio.Future[R]"
    keys: tuple[Hashable, ...]
    owner: Hashable
    since: float
    again: int = field(default=0)
    later: bool = field(default=False)


class OverloadedError(StoreError):
    """The queue before the database is full. Nothing was accepted."""


class GroupCommit(Generic[M, R]):
    """Collects members into batches and runs `work` once a batch, in one transaction.

    `keys(member)` are what no two members of one batch may share (documents, idempotency keys).
    `needs` are all that it may find locked by others, as far as that is known. A member that needs a key
    found locked runs alone, until a member run alone succeeds (`proves`) and so shows its keys free.

    `lanes` batches may be in flight at once; more than one only helps on PostgreSQL. One beside
    another begins with `company` members, or `linger` seconds after the first of them came. At most
    `queue` members wait, and of each `owner` a quarter of that: nobody fills it for all. A member waits
    for `patience` seconds.

    `watch` hears of each committed batch. `ended` hears of each, with its outcomes (none where it failed),
    before its members do, and also when these have lost their patience long before.
    """

    def __init__(
        self,
        database: Database,
        work: Callable[[Transaction, Sequence[M]], Awaitable[Sequence[R | Again]]],
        *,
        keys: Callable[[M], Iterable[Hashable]],
        needs: Callable[[M], Iterable[Hashable]] | None = None,
        proves: Callable[[R], bool] | None = None,
        owner: Callable[[M], Hashable] | None = None,
        size: int = 64,
        lanes: int = 1,
        company: int = COMPANY,
        linger: float = LINGER_SECONDS,
        queue: int = 4096,
        patience: float = PATIENCE_SECONDS,
        watch: Callable[[Ran[M]], None] | None = None,
        ended: Callable[[Sequence[M], Sequence[R | Again]], None] | None = None,
    ) -> None:
        self._database = database
        self._work = work
        self._keys = keys
        self._owner = owner or id
        self._needs = needs or keys
        self._suspects: Suspects[_Waiting[M, R]] = Suspects(
            self._needed, owner=lambda waiting: waiting.owner
        )
        self._alarmed_until = 0.0  # a locked row was met, and the same hand may keep others
        self._watch = watch
        self._ended = ended
        self._waiting: dict[_Waiting[M, R], None] = {}  # in order of arrival
        self._shares: dict[Hashable, int] = {}
        self._patience: asyncio.TimerHandle | None = None
        self._size = size
        self._lanes = lanes
        self._company = company
        self._linger_seconds = linger
        self._limit = queue
        self._patience_seconds = patience
        self._queue: deque[_Waiting[M, R]] = deque()
        self._under_way = 0  # batches; a task goes on a turn of the loop longer
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: set[Hashable] = set()
        self._proves = proves or (lambda _: True)
        self._none_may_go = False  # of those who wait, before something ends
        self._alone: _Waiting[M, R] | None = None  # a suspect that is under way by itself
        self._alone_next = True
        self._lingering: asyncio.TimerHandle | None = None

    async def submit(self, member: M) -> R:
        """The member's own outcome, once its batch is committed.

        Raises RefusedError when the work refused it alone, UnavailableError when nothing was kept,
        CommitUnknownError when the database did not say, OverloadedError when the queue is full.
        """
        return await self.enter(member)

    def enter(self, member: M) -> asyncio.Future[R]:
        """The same for one who does not wait here: its outcome, or one of these errors, to come.

        Raises OverloadedError.
        """
        owner = self._owner(member)
        share = self._shares.get(owner, 0)
        if len(self._queue) >= self._limit or share >= self._limit // SHARES:
            raise OverloadedError("too many requests are waiting for the database")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        waiting = _Waiting(member, future, tuple(self._keys(member)), owner, loop.time())
        self._shares[owner] = share + 1
        self._waiting[waiting] = None
        if self._patience is None:
            self._patience = loop.call_later(self._patience_seconds, self._lose_patience)
        self._queue.append(waiting)
        self._start()
        return future

    def _lose_patience(self) -> None:
        """Give up those who have waited too long. One timer for all: each request would pay for its own."""
        loop = asyncio.get_running_loop()
        self._patience = None
        for waiting in list(self._waiting):
            due = waiting.since + self._patience_seconds
            if due > loop.time():
                self._patience = loop.call_at(due, self._lose_patience)
                return
            self._give_up(waiting)

    def _give_up(self, waiting: _Waiting[M, R]) -> None:
        """Tell a member that waited too long the truth: not begun, or not known."""
        try:
            self._queue.remove(waiting)
        except ValueError:
            message = "the database has not answered yet"
            self._fail([waiting], CommitUnknownError(message))
        else:
            self._fail([waiting], UnavailableError("the database is too slow"))

    async def drained(self) -> None:
        """Wait until every submitted member has its outcome."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, *, lingered: bool = False) -> None:
        while self._queue and self._under_way < self._lanes:
            few = self._none_may_go or len(self._queue) < self._company
            if self._under_way and few and not lingered:
                self._linger()
                return
            lingered = False
            batch = self._next_batch()
            self._none_may_go = not batch
            if not batch:
                return
            self._under_way += 1
            task = asyncio.create_task(self._run(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _linger(self) -> None:
        """Wait a moment for more members; if the batch under way ends sooner, till then."""
        if self._lingering is None:
            loop = asyncio.get_running_loop()
            self._lingering = loop.call_later(self._linger_seconds, self._linger_over)

    def _linger_over(self) -> None:
        self._lingering = None
        self._start(lingered=True)

    def _next_batch(self) -> list[_Waiting[M, R]]:
        """Members in order of arrival, leaving for later those that share a key with one chosen or left.

        Suspects go by themselves, one at a time and every other turn: nobody shall wait with one of
        them, or behind many.
        """
        suspects = self._suspects.among(self._queue, asyncio.get_running_loop().time())
        suspect = self._next_suspect(suspects)
        if suspect is not None and self._alone_next:
            return self._by_itself(suspect)
        batch: list[_Waiting[M, R]] = []
        left: deque[_Waiting[M, R]] = deque()
        passed: set[Hashable] = set()  # who waits for two documents is not overtaken on either
        late = 0
        while self._queue and len(batch) < self._size:
            waiting = self._queue.popleft()
            taken = not (self._held.isdisjoint(waiting.keys) and passed.isdisjoint(waiting.keys))
            full = waiting.later and late == LATER_AT_ONCE
            if taken or full or waiting in suspects:
                left.append(waiting)
                passed.update(waiting.keys)
            else:
                late += waiting.later
                self._held.update(waiting.keys)
                batch.append(waiting)
        self._queue.extendleft(reversed(left))
        self._alone_next = True
        return batch if batch or suspect is None else self._by_itself(suspect)

    def _next_suspect(self, suspects: Collection[_Waiting[M, R]]) -> _Waiting[M, R] | None:
        """One whose turn it is, and who overtakes nobody."""
        if self._alone is not None or not suspects:
            return None
        ahead = set(self._held)
        free = []
        for one in self._queue:
            if one in suspects and ahead.isdisjoint(one.keys):
                free.append(one)
            ahead.update(one.keys)
        return self._suspects.next_of(free)

    def _needed(self, waiting: _Waiting[M, R]) -> frozenset[Hashable]:
        try:
            return frozenset(self._needs(waiting.member))
        except Exception as error:  # noqa: BLE001 (nobody else shall wait for one that cannot be read)
            _log.error("needs-not-known", exc_info=error)
            return frozenset(waiting.keys)

    def _by_itself(self, waiting: _Waiting[M, R]) -> list[_Waiting[M, R]]:
        self._suspects.has_turn(waiting)
        self._queue.remove(waiting)
        self._held.update(waiting.keys)
        self._alone, self._alone_next = waiting, False
        return [waiting]

    async def _run(self, batch: list[_Waiting[M, R]]) -> None:
        alone = batch[0] is self._alone
        try:
            await self._settle(batch, alone=alone)
        except Exception as error:  # noqa: BLE001 (a member must never wait for ever)
            self._fail(batch, error)
        finally:
            for waiting in batch:
                self._held.difference_update(waiting.keys)
            if alone:
                self._alone = None
            self._under_way -= 1
            self._none_may_go = False
            self._start()

    async def _settle(self, batch: list[_Waiting[M, R]], *, alone: bool) -> None:
        """Have a batch done. Where it is one member's fault that it was not, each goes by itself."""
        clock = asyncio.get_running_loop().time
        members, began = [waiting.member for waiting in batch], clock()
        waits = BRIEFLY if alone else SHORTLY if began < self._alarmed_until else None
        outcomes = await self._tried(members, waits=waits)
        if isinstance(outcomes, Exception):
            self._heard(members, ())
            if isinstance(outcomes, LockedError) and waits is None:
                self._alarmed_until = clock() + LOCKED_SECONDS
            self._not_kept(batch, outcomes, alone=alone)
            return
        ended = clock()
        self._heard(members, outcomes)
        if alone and not isinstance(outcomes[0], Again) and self._proves(outcomes[0]):
            self._suspects.clear(batch[0])
        self._hand_out(batch, outcomes)
        if self._watch is not None:
            since = [one.since for one in batch]
            _tell(self._watch, Ran(members, since, began, ended, outcomes))

    def _heard(self, members: Sequence[M], outcomes: Sequence[R | Again]) -> None:
        if self._ended is not None:
            _tell(partial(self._ended, members), outcomes)

    def _not_kept(self, batch: list[_Waiting[M, R]], error: Exception, *, alone: bool) -> None:
        locked = isinstance(error, LockedError)
        of_one = locked or not isinstance(error, UnavailableError | CommitUnknownError)
        if of_one and (len(batch) > 1 or (locked and not alone)):
            back = [waiting for waiting in batch if waiting in self._waiting]
            self._suspects.part(back)
            self._queue.extendleft(reversed(back))
            return
        if locked:
            self._suspects.found_locked(batch[0], asyncio.get_running_loop().time())
        self._fail(batch, error)

    async def _tried(
        self, members: list[M], *, waits: int | None
    ) -> Sequence[R | Again] | Exception:
        """The outcomes, or why nothing was kept or nobody knows."""
        try:
            return await self._attempt(members, waits=waits)
        except Exception as error:  # noqa: BLE001 (handed to the member it belongs to)
            return error

    async def _attempt(self, members: list[M], *, waits: int | None) -> Sequence[R | Again]:
        async def work(tx: Transaction) -> Sequence[R | Again]:
            if waits is not None:
                await tx.wait_at_most(waits)
            return await self._work(tx, members)

        for _ in range(WHOLE_RETRIES):
            try:
                # Nobody cancels the task of a batch: its members may give up, it does not.
                return await self._database.write_here(work)
            except RetryableError as error:
                _log.info("batch-runs-again", error=str(error), members=len(members))
        message = f"gave up after {WHOLE_RETRIES} conflicts with other transactions"
        raise UnavailableError(message)

    def _hand_out(self, batch: list[_Waiting[M, R]], outcomes: Sequence[R | Again]) -> None:
        later = []
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if not isinstance(outcome, Again):
                self._leave(waiting)
                if not waiting.future.done():
                    waiting.future.set_result(outcome)
            elif waiting not in self._waiting:
                continue  # it was told that nobody knows: who asks again wants another answer
            elif outcome is LATER:
                waiting.later = True
                later.append(waiting)
            elif waiting.again < AGAIN_LIMIT:
                waiting.again += 1
                self._queue.append(waiting)
            else:
                self._fail([waiting], UnavailableError("lost the same race too often"))
        if later:
            self._put_back(later)

    def _put_back(self, later: list[_Waiting[M, R]]) -> None:
        """Those for whom there was no room wait before all others, in the order in which they came."""
        late = [*later, *(one for one in self._queue if one.later)]
        others = [one for one in self._queue if not one.later]
        self._queue = deque([*sorted(late, key=lambda one: one.since), *others])

    def _fail(self, batch: list[_Waiting[M, R]], error: Exception) -> None:
        for waiting in batch:
            self._leave(waiting)
            if not waiting.future.done():
                waiting.future.set_exception(_own_copy(error))

    def _leave(self, waiting: _Waiting[M, R]) -> None:
        """A member has its outcome: it waits no more, and gives back its owner's share."""
        if waiting not in self._waiting:
            return
        del self._waiting[waiting]
        self._suspects.forget(waiting)
        share = self._shares.pop(waiting.owner) - 1
        if share:
            self._shares[waiting.owner] = share


def _tell(listener: Callable[[T], None], told: T) -> None:
    try:
        listener(told)
    except Exception as error:  # noqa: BLE001 (what is on disk is so, whatever a listener makes of it)
        _log.error("batch-not-heard", exc_info=error)


def _own_copy(error: Exception) -> Exception:
    """Each waiter raises its own exception object, so that tracebacks do not grow into each other."""
    if isinstance(error, RefusedError):
        return RefusedError(error.faults, retry_after=error.retry_after)
    if isinstance(error, StoreError):
        return type(error)(str(error))
    return error
