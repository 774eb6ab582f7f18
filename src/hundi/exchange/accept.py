"""Accepting: judge a batch of requests under their documents' locks, and write what was accepted.

One transaction a batch. What decides between concurrent writers is an insert that takes place or
does not (`on conflict do nothing returning`), or a row read under its lock; a member that loses
leaves nothing and is judged again.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from hundi.exchange.claims import claim_documents, claim_numbers, forget_documents
from hundi.exchange.closing import close_exchanges
from hundi.exchange.draft import Draft, Times, draft
from hundi.exchange.gathering import Gatherer
from hundi.exchange.idempotency import claim_keys, first_answers, forget_keys, replays
from hundi.exchange.judge import judge_call
from hundi.exchange.request import Accepted, Refused, Request
from hundi.exchange.routing import legs_of, number
from hundi.exchange.standing import number_used
from hundi.exchange.writes import Writes
from hundi.kernel.identity import RandomBytes
from hundi.kernel.lifetimes import Lifetimes
from hundi.store.again import AGAIN, LATER, Again
from hundi.store.engine import Transaction

Outcome = Accepted | Refused | Again


@dataclass(frozen=True, slots=True)
class Acceptor:
    """Accepts batches of requests."""

    gatherer: Gatherer
    random: RandomBytes
    lifetimes: Lifetimes

    async def accept(self, tx: Transaction, requests: Sequence[Request]) -> Sequence[Outcome]:
        """One outcome a request, in order."""
        outcomes: list[Outcome | None] = list(await replays(tx, requests))
        fresh = {n: r for n, r in enumerate(requests) if outcomes[n] is None}
        calls = await legs_of(tx, fresh)
        for place, routed in calls.items():
            outcomes[place] = routed if isinstance(routed, Refused) else None
        numbered = number(calls)
        world = await self.gatherer.world(tx, numbered)
        times = Times(now=tx.now, lifetimes=self.lifetimes)
        drafts: list[Draft] = []
        taken: set[Hashable] = set()
        for place, legs in numbered.items():
            if place in world.later:
                outcomes[place] = LATER
                continue
            judged = judge_call(legs, world)
            if isinstance(judged, Refused):
                outcomes[place] = judged
                continue
            takes = {key for plan in judged for key in plan.takes}
            if not taken.isdisjoint(takes):  # what was read is not what it will be then
                outcomes[place] = AGAIN
                continue
            taken |= takes
            drafts.append(
                draft(requests[place], judged, place=place, times=times, random=self.random)
            )
        for lost, outcome in await _lost_claims(tx, drafts):
            outcomes[lost.place] = outcome
        won = [d for d in drafts if outcomes[d.place] is None]
        await _write(tx, won)
        accepted = {d.place: d.accepted for d in won}
        decided = [o if o is not None else accepted[n] for n, o in enumerate(outcomes)]
        return await first_answers(tx, requests, decided)


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
    doubled = await claim_numbers(tx, made)
    lost += [(d, Refused(tuple(map(number_used, them)))) for d, them in doubled.items()]
    await forget_keys(tx, [*beaten, *doubled])
    await forget_documents(tx, [*doubled])
    return lost


async def _write(tx: Transaction, won: Sequence[Draft]) -> None:
    over = [ending for d in won for ending in d.abandons]
    writes = Writes()
    closed = await close_exchanges(tx, over, writes)
    if len(closed) != len(over):
        raise RuntimeError("an exchange ended while its document was locked")
    for one in won:
        writes.take(one.writes)
    await writes.flush(tx)
