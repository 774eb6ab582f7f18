"""A network of three clients, driven without HTTP: buyer, supplier and a stranger."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any

import sqlalchemy as sa

from hundi.exchange import redrive
from hundi.exchange.gate import Road
from hundi.exchange.leases import Leased, lease
from hundi.exchange.outbox import AttemptResult, Outbox
from hundi.exchange.request import Accepted, read_request
from hundi.exchange.verdict import Answer, Decision, Verdict
from hundi.kernel.clock import HOUR, wall_clock
from hundi.parties import tables
from hundi.parties.credentials import token_hash
from hundi.store.batch import GroupCommit
from hundi.store.engine import Database, Transaction
from hundi.store.opening import open_database
from hundi.store.ran import Ran
from tests.exchange.slips import BUYER, MESSAGES, STRANGER, SUPPLIER, slip

SERVES = {"buyer": BUYER, "supplier": SUPPLIER, "stranger": STRANGER}
ANSWER = b'{"payload":{"resp":{"result":"SUCCESS"}}}'


class Scene:
    """The road over one database. Clients are `buyer`, `supplier`, `stranger`; so are entities."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.random = Random(1)
        self.watches: list[Callable[[Ran[Any]], None]] = []  # they hear of batches of acceptances
        self.road = Road(
            database,
            MESSAGES,
            random=self.random.randbytes,
            accepted=lambda: None,
            watch=self._heard,
        )
        self.outbox = Outbox(self.road.settler)
        self.entered: Counter[str] = Counter()  # what exchanges became by the ends of attempts
        self.messages = {m.name: m for m in MESSAGES}

    def _heard(self, ran: Ran[Any]) -> None:
        for watch in self.watches:
            watch(ran)

    async def submit(
        self, name: str, raw: bytes, *, key: str | None = None, client_id: str = ""
    ) -> str:
        """Have a request accepted; its reqMsgId. The client is the one that the role names."""
        message = self.messages[name]
        client_id = client_id or message.sender
        request = read_request(message, raw, client_id=client_id, idempotency_key=key)
        outcome = await self.road.submit(request)
        assert isinstance(outcome, Accepted), outcome
        return outcome.req_msg_id

    async def lease(self) -> list[Leased]:
        """Begin an attempt at everything that is due."""
        room = dict.fromkeys(SERVES, 10)
        return await self.database.write(lambda tx: lease(tx, room=room, total=30))

    async def finish(
        self, leased: list[Leased], decision: Decision = Decision.SETTLED, **how: Any
    ) -> None:
        """End attempts, all in the same way: `how` as `results` takes it."""
        results = self.results(leased, decision, **how)
        settled = GroupCommit(self.database, self._finish, keys=lambda one: [id(one)])
        await asyncio.gather(*map(settled.submit, results))

    def results(
        self,
        leased: list[Leased],
        decision: Decision = Decision.SETTLED,
        *,
        reached: bool = True,
        parks: bool = False,
        body: bytes = ANSWER,
    ) -> list[AttemptResult]:
        """What attempts came to, all the same."""
        answer = Answer(
            status=200 if reached else None,
            body=body,
            retry_after=None,
            milliseconds=7,
            reached=reached,
            error=None if reached else "connect",
        )
        verdict = Verdict(decision=decision, reason="as told", error_code="NO", error_detail="no")
        return [
            AttemptResult(leased=one, answer=answer, verdict=verdict, wait=HOUR, parks=parks)
            for one in leased
        ]

    async def _finish(self, tx: Transaction, results: Sequence[AttemptResult]) -> list[None]:
        self.entered += await self.outbox.finish(tx, results)
        return [None] * len(results)

    async def deliver_all(self) -> None:
        """Deliver until nothing is due any more."""
        while leased := await self.lease():
            await self.finish(leased)

    async def decline(self) -> None:
        """Have everything that is due declined, then tell the senders."""
        await self.finish(await self.lease(), Decision.DECLINED)
        await self.deliver_all()

    async def fail(self, *, reached: bool) -> None:
        """Try once to deliver what is due, in vain."""
        await self.finish(await self.lease(), Decision.FAILED, reached=reached)

    async def replay(self, client_id: str) -> None:
        """Make everything due that waits for a client's endpoint."""
        ids = await self.database.read(partial(redrive.gap, client_id=client_id, after=""))
        await self.database.write(partial(redrive.make_due, ids=ids))

    async def sent(self, object_id: str = "S1", **members: object) -> str:
        """A slip that the supplier holds; the reqMsgId that brought it."""
        req_msg_id = await self.submit("req-send", slip(object_id, **members))
        await self.deliver_all()
        return req_msg_id

    async def rows(self, query: sa.Select) -> list[dict[str, object]]:
        """Rows of a query, as dictionaries."""
        found = await self.database.read(lambda tx: tx.select(query))
        return [dict(row) for row in found]

    async def execute(self, statement: sa.Executable) -> None:
        """Write beside the road."""
        await self.database.write(lambda tx: tx.execute(statement))


@asynccontextmanager
async def scene(database_url: str, *, mailbox: str | None = None) -> AsyncIterator[Scene]:
    """A scene on a migrated database; the client `mailbox` has no endpoint."""
    database = await open_database(database_url, wall_clock)
    try:
        await database.write(lambda tx: _seat(tx, mailbox))
        yield Scene(database)
    finally:
        await database.close()


async def _seat(tx: Transaction, mailbox: str | None) -> None:
    for number, (name, b2b_id) in enumerate(SERVES.items()):
        client = {
            "client_id": name, "name": name, "secret_hash": "", "username": name,
            "password_hash": "", "mailbox": name == mailbox,
            "endpoint_url": None if name == mailbox else f"https://{name}.example",
            "endpoint_headers": "{}", "empty_means_success": False, "webhook_secret": "whsec_AA==",
            "failed_exchanges": 0, "created_at": tx.now,
        }  # fmt: skip
        entity = {"entity_id": name, "pan": f"ZZZCI000{number}K", "name": name.title()}
        served = {"b2b_id": b2b_id, "entity_id": name, "client_id": name, "active": True}
        token = {
            "token_hash": token_hash(f"{name}-token"), "client_id": name, "kind": "ACCESS",
            "expires_at": tx.now + HOUR, "created_at": tx.now,
        }  # fmt: skip
        await tx.execute(sa.insert(tables.client).values(**client))
        await tx.execute(sa.insert(tables.entity).values(**entity, created_at=tx.now))
        await tx.execute(sa.insert(tables.b2b_id).values(**served, created_at=tx.now))
        await tx.execute(sa.insert(tables.access_token).values(**token))
