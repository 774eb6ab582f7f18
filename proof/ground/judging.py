"""What became of it all, asked of the database and of the receivers, not of the network's own word."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Sequence
from time import monotonic

from proof.ground.databases import ask, change
from proof.ground.network import Network
from proof.ground.traffic import Traffic
from proof.part import Figure, Length, ProofError, Run, at_least, none, told

STALLED, PAUSED = 120.0, 60.0
"""Longer than a lease and the pauses before the next three attempts; and longer than a lease."""
_OPEN = (
    "select (select count(*) from delivery where state in ('QUEUED', 'LEASED'))"
    " + (select count(*) from exchange where state = 'OPEN')"
)
# As if it had passed: a webhook whose dispatcher or database died in five attempts waits for an hour.
_PAUSES_OVER = "update delivery set due_at = created_at where state = 'QUEUED'"
_BY_STATE = "select req_msg_id, state from exchange"
_REPEATED = "old messages that were sent again under their key, and answered for good"


async def drain(network: Network, *, shown: bool = True) -> None:
    """Wait until every exchange has ended and every webhook is out. Raises ProofError.

    Not `shown` where the part goes on counting towards a goal of its own.
    """
    progress = network.run.progress
    [(begun,)] = await ask(network.place.url, _OPEN)
    if shown:
        progress.goal("letting everything end", begun)
    last, moved, hastened = begun, monotonic(), False
    while last:
        await asyncio.sleep(0.3)
        [(left,)] = await ask(network.place.url, _OPEN)
        if shown:
            progress.at(max(0, begun - left), f"{left:,} left")
        still = monotonic() - moved
        if left != last:
            last, moved, hastened = left, monotonic(), False
        elif still > PAUSED and not hastened:
            await change(network.place.url, _PAUSES_OVER)
            hastened = True
        elif still > STALLED:
            raise ProofError(f"{left} exchanges and webhooks did not end within {STALLED:.0f} s")


async def counted(traffic: Traffic) -> Counter[str]:
    """Of all that may not be, how much there is: acks against what is stored and what arrived.

    And how many repeats that was asked of, which are no fault: `figures` tells them apart.
    """
    network, ids = traffic.network, traffic.ids()
    systems, receipts = network.systems, network.systems.receipts
    stored = dict(await ask(network.place.url, _BY_STATE))
    arrived = {name.decode() for name in receipts.delivered}
    informed = {name.decode() for name in receipts.informed}
    return Counter({
        "acknowledged and not settled, or gone": sum(stored.get(n) != "SETTLED" for n in ids),
        "acknowledged and never delivered": len(ids - arrived),
        "acknowledged and its sender never told the outcome": len(ids - informed),
        "applied twice: two acks for one exchange, or an exchange of no ack":
            traffic.acknowledged - len(ids) + len(stored.keys() - ids),
        _REPEATED: traffic.repeats,
        "repeats of a key that got another answer": traffic.differing,
        "refused for good": len(traffic.refused),
        "webhooks that came under a second id": systems.renamed,
        "webhooks repeated with another body": systems.altered,
        "wrong signatures": receipts.forged,
        "broken promises of the store, as `hundi invariants` finds them":
            await promises_broken(network),
    })  # fmt: skip


async def promises_broken(network: Network) -> int:
    """How many `hundi invariants` finds. Raises ProofError where it does not come to its end."""
    process = await asyncio.create_subprocess_exec(
        str(network.program), "invariants", "--json",
        env=os.environ | network.hundi.environment(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, complaint = await process.communicate()
    try:
        found = json.loads(output)
    except ValueError as error:
        raise ProofError(f"hundi invariants: {complaint.decode(errors='replace')}") from error
    for one in found["findings"][:10]:
        network.run.progress.say(f"{one['promise']}, {one['where']}: {one['what']}")
    return int(found["broken"])


def figures(run: Run, counts: Counter[str]) -> Sequence[Figure]:
    """Of each there may be nothing, but of repeats; counts of several networks are added up before.

    One message in fifty is repeated: a tiny run may end before the first one is.
    """
    repeats = counts[_REPEATED]
    shown = (
        told(_REPEATED, f"{repeats:,}")
        if run.length is Length.TINY
        else at_least(_REPEATED, 1, seen=repeats)
    )
    return [shown, *(none(what, many) for what, many in counts.items() if what != _REPEATED)]


async def verdict(traffic: Traffic) -> Sequence[Figure]:
    """The figures of one network at rest. What was refused is shown: nobody expects it."""
    for refusal in traffic.refused[:5]:
        traffic.network.run.progress.say(refusal)
    acks = told("acknowledged", f"{traffic.acknowledged:,} messages")
    return [acks, *figures(traffic.network.run, await counted(traffic))]
