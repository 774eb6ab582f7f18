"""The road for one process: group commit in front of accepting, settling behind it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from hundi.exchange.accept import Acceptor
from hundi.exchange.definition import DocumentType, MessageType
from hundi.exchange.gathering import Gatherer
from hundi.exchange.idempotency import replay_of
from hundi.exchange.record import stored_name
from hundi.exchange.request import Accepted, Refused, Request, shows_free
from hundi.exchange.settle import Settler
from hundi.kernel.identity import RandomBytes
from hundi.kernel.lifetimes import Lifetimes
from hundi.store.batch import GroupCommit
from hundi.store.engine import Database, Transaction
from hundi.store.ran import Ran

POSTGRES_LANES = 2


class Road:
    """Accepts requests in batches and ends exchanges, on one database.

    `accepted` is called after each batch that has accepted something: a webhook may be due now.
    `watch` is called with every committed batch. `lifetimes` are those of proposals, and of documents
    that wait for an answer, by the message that sends them.
    """

    def __init__(
        self,
        database: Database,
        messages: Sequence[MessageType],
        *,
        random: RandomBytes,
        accepted: Callable[[], None],
        watch: Callable[[Ran[Request]], None] | None = None,
        lifetimes: Lifetimes | None = None,
    ) -> None:
        self.messages: Mapping[str, MessageType] = {stored_name(m): m for m in messages}
        self.types: Mapping[str, DocumentType] = {m.document.name: m.document for m in messages}
        self.settler = Settler(self.messages, self.types)
        gatherer = Gatherer(self.messages, self.types)
        self.acceptor = Acceptor(gatherer, random, lifetimes or Lifetimes())
        self._database = database
        self._told, self._watch = accepted, watch
        self._commit: GroupCommit[Request, Accepted | Refused] = GroupCommit(
            database,
            self.acceptor.accept,
            keys=lambda request: request.keys(),
            needs=lambda request: request.needs(),
            proves=shows_free,
            owner=lambda request: request.client_id,
            lanes=POSTGRES_LANES if database.dialect == "postgresql" else 1,
            watch=self._committed,
        )

    async def submit(self, request: Request) -> Accepted | Refused:
        """Accept or refuse one request; on return an acceptance is on disk.

        Raises StoreError where the database could not take it.
        """
        return await self._commit.enter(request)

    def enter(self, request: Request) -> asyncio.Future[Accepted | Refused]:
        """The same, for one who does not wait here. Raises OverloadedError at once."""
        return self._commit.enter(request)

    def _committed(self, ran: Ran[Request]) -> None:
        if any(isinstance(outcome, Accepted) for outcome in ran.outcomes):
            self._told()
        if self._watch is not None:
            self._watch(ran)

    async def replay(
        self, *, client_id: str, key: str, fingerprint: bytes
    ) -> Accepted | Refused | None:
        """The first answer to a key, for a request whose body cannot be read."""

        async def work(tx: Transaction) -> Accepted | Refused | None:
            return await replay_of(tx, client_id=client_id, key=key, fingerprint=fingerprint)

        return await self._database.write(work)  # its COMMIT confirms what it found

    async def drained(self) -> None:
        """Wait until everything submitted has its outcome."""
        await self._commit.drained()
