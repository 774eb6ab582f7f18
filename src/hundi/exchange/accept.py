"""Accepting: judge a batch of requests under their documents' locks, and write what was accepted.

One transaction a batch. What decides between concurrent writers is an insert that takes place or
does not (`on conflict do nothing returning`), or a row read under its lock; a member that loses
leaves nothing and is judged again.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from hundi.exchange.claims import claim_documents, claim_numbers, forget_documents
from hundi.exchange.closing import close_exchanges
from hundi.exchange.draft import Draft, draft
from hundi.exchange.gathering import Gatherer
from hundi.exchange.idempotency import claim_keys, forget_keys, replays
from hundi.exchange.judge import judge
from hundi.exchange.request import Accepted, Refused, Request
from hundi.exchange.standing import NUMBER_USED
from hundi.exchange.world import Plan
from hundi.exchange.writes import Writes
from hundi.kernel.clock import DAY
from hundi.kernel.faults import Fault
from hundi.kernel.identity import RandomBytes
from hundi.store.batch import AGAIN, Again
from hundi.store.engine import Transaction

Outcome = Accepted | Refused | Again


@dataclass(frozen=True, slots=True)
class Acceptor:
    """Accepts batches of requests. `time_to_live` is a proposal's, in microseconds."""

    gatherer: Gatherer
    random: RandomBytes
    time_to_live: int = 10 * DAY

    async def accept(self, tx: Transaction, requests: Sequence[Request]) -> Sequence[Outcome]:
        """One outcome a request, in order."""
        outcomes: list[Outcome | None] = list(await replays(tx, requests))
        fresh = {n: r for n, r in enumerate(requests) if outcomes[n] is None}
        world = await self.gatherer.world(tx, fresh)
        drafts: list[Draft] = []
        taken: set[Hashable] = set()
        for place, request in enumerate(requests):
            if outcomes[place] is not None:
                continue
            judged = judge(request, world, place)
            if isinstance(judged, Refused):
                outcomes[place] = judged
            elif taken.isdisjoint(judged.takes):
                taken.update(judged.takes)
                drafts.append(self._draft(judged, place, tx.now))
            else:  # the document as it was read is not what it will be then
                outcomes[place] = AGAIN
        for lost, outcome in await _lost_claims(tx, drafts):
            outcomes[lost.place] = outcome
        won = [d for d in drafts if outcomes[d.place] is None]
        await _write(tx, won)
        accepted = {d.place: d.accepted for d in won}
        return [o if o is not None else accepted[n] for n, o in enumerate(outcomes)]

    def _draft(self, plan: Plan, place: int, now: int) -> Draft:
        expires = now + self.time_to_live
        return draft(plan, place=place, now=now, expires=expires, random=self.random)


async def _lost_claims(
    tx: Transaction, drafts: Sequence[Draft]
) -> list[tuple[Draft, Refused | Again]]:
    """Claim keys, documents and numbers, in this order; drop all of a draft that loses one."""
    lost: list[tuple[Draft, Refused | Again]] = []
    keyed = await claim_keys(tx, drafts)
    lost += [(d, AGAIN) for d in drafts if d not in keyed]
    made = await claim_documents(tx, keyed)
    beaten = [d for d in keyed if d not in made]
    lost += [(d, AGAIN) for d in beaten]
    numbered = await claim_numbers(tx, made)
    doubled = [d for d in made if d not in numbered]
    lost += [(d, Refused((_number_used(d),))) for d in doubled]
    await forget_keys(tx, [*beaten, *doubled])
    await forget_documents(tx, doubled)
    return lost


def _number_used(lost: Draft) -> Fault:
    touched = lost.plan.touched
    detail = (
        f"A live {lost.plan.kind.noun} of yours has the number {touched.number} in the same"
        " financial year. Use another number, or cancel that one first."
    )
    return NUMBER_USED.at(touched.path, detail, number=touched.number)


async def _write(tx: Transaction, won: Sequence[Draft]) -> None:
    over = [d.abandons for d in won if d.abandons is not None]
    writes = Writes()
    closed = await close_exchanges(tx, over, writes)
    if len(closed) != len(over):
        raise RuntimeError("an exchange ended while its document was locked")
    for one in won:
        writes.take(one.writes)
    await writes.flush(tx)
