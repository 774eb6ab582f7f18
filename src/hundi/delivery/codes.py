"""Sends ownership codes: make one → put its hash in force → commit → send → write down.

Any number of these loops may run over one database: the lease decides who sends. One that dies
between the commit and the sending leaves a lease behind; it runs out, and a new code goes out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from hundi.kernel.identity import RandomBytes
from hundi.onboarding import ownership
from hundi.onboarding.rail import ContactRail, RailError
from hundi.store.engine import Database, StoreError, Work

AT_ONCE = 8
ENDED_AT_ONCE = 64
IDLE_SECONDS = 1
SALT_BYTES = 16

_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class CodeSender:
    """Sends the codes that are due, and ends registrations whose time is over.

    `entered` hears of the exchanges that ended with these, by state, once that is committed.
    """

    database: Database
    rail: ContactRail
    random: RandomBytes
    entered: Callable[[Mapping[str, int]], None]

    async def send_due(self) -> int:
        """Send what is due now; how many went as planned."""
        return await self._each(partial(ownership.due, most=AT_ONCE), self._send)

    async def lapse(self) -> int:
        """End registrations whose day is over; how many. Without any nothing is written."""
        return await self._each(partial(ownership.lapsed, most=ENDED_AT_ONCE), self._end)

    async def _each(self, ask: Work[list[str]], do: Callable[[str], Awaitable[None]]) -> int:
        """Do something for each that is found; trouble with one is told, and stops no other."""
        found = await self.database.read(ask)
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(req_msg_id: str) -> None:
            async with limit:
                await do(req_msg_id)

        told = await asyncio.gather(*map(one, found), return_exceptions=True)
        for req_msg_id, error in zip(found, told, strict=True):
            if isinstance(error, Exception) and not isinstance(error, StoreError):
                _log.error("registration-failed", reqMsgId=req_msg_id, exc_info=error)
        for error in told:
            if isinstance(error, StoreError) or not isinstance(error, Exception | None):
                raise error
        return sum(error is None for error in told)

    async def _end(self, req_msg_id: str) -> None:
        self.entered(await self.database.write(partial(ownership.lapse, req_msg_id=req_msg_id)))

    async def _send(self, req_msg_id: str) -> None:
        code, salt = ownership.new_code(self.random), self.random(SALT_BYTES)
        hashed = await asyncio.to_thread(ownership.slow_hash, code, salt)
        take = partial(ownership.lease, req_msg_id=req_msg_id, salt=salt, hashed=hashed)
        sending = await self.database.write(take)
        if sending is None:
            return  # another sender has it, or the registration has ended
        trouble = await self._trouble(sending, code)
        if trouble:
            _log.warning("code-not-sent", reqMsgId=req_msg_id, error=trouble)
        note = partial(ownership.sent, sending=sending, hashed=hashed, failed=bool(trouble))
        await self.database.write(note)

    async def _trouble(self, sending: ownership.Sending, code: str) -> str:
        """Send one code; what went wrong, without anything that might hold the code."""
        try:
            await self.rail.send(sending.contact, code, reference=sending.req_msg_id)
        except RailError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 (whatever a rail does, the next code must go out)
            return type(error).__name__
        return ""


class CodeLoop:
    """Runs a code sender until it is stopped. `woken` is told of webhooks that a lapse made due."""

    def __init__(self, sender: CodeSender, woken: Callable[[], None]) -> None:
        self._sender = sender
        self._woken = woken
        self._wake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """A code may be due: look at once instead of at the next tick."""
        self._wake.set()

    def stop(self) -> None:
        """End after the round under way."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Send until `stop`; database trouble is waited out."""
        while not self._stopping:
            self._wake.clear()
            if await self._tried(self._sender.lapse):
                self._woken()
            if not await self._tried(self._sender.send_due):
                await self._idle()

    async def _tried(self, step: Callable[[], Awaitable[int]]) -> int:
        """How much a step did. Where it fails the other one goes on all the same."""
        try:
            return await step()
        except StoreError as error:
            _log.warning("codes-wait-for-database", error=str(error))
        except Exception as error:  # noqa: BLE001 (other codes have to go on)
            _log.error("codes-failed", exc_info=error)
        return 0

    async def _idle(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
        except TimeoutError:
            return
