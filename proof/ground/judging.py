"""What became of it all, asked of the database and of the receivers, not of the network's own word."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from proof.ground.databases import ask
from proof.ground.network import Network
from proof.ground.traffic import Traffic
from proof.part import Figure, ProofError, none, told

STALLED = 120.0
"""Longer than a lease and the pauses before the next three attempts."""
_OPEN = (
    "select (select count(*) from delivery where state in ('QUEUED', 'LEASED'))"
    " + (select count(*) from exchange where state = 'OPEN')"
)
_BY_STATE = "select req_msg_id, state from exchange"
_HEADS = (
    "select count(*) from document d where d.head_sequence <> (select count(*) from journal j"
    " where j.author_entity = d.author_entity and j.type = d.type and j.object_id = d.object_id)"
)


async def drain(network: Network) -> None:
    """Wait until every exchange has ended and every webhook is out. Raises ProofError."""
    progress = network.run.progress
    [(begun,)] = await ask(network.place.url, _OPEN)
    progress.goal("letting everything end", begun)
    last, moved = begun, monotonic()
    while last:
        await asyncio.sleep(0.3)
        [(left,)] = await ask(network.place.url, _OPEN)
        progress.at(max(0, begun - left), f"{left:,} left")
        if left != last:
            last, moved = left, monotonic()
        elif monotonic() - moved > STALLED:
            raise ProofError(f"{left} exchanges and webhooks did not end within {STALLED:.0f} s")


async def verdict(traffic: Traffic) -> Sequence[Figure]:
    """Compare what was acknowledged with what is stored and with what arrived."""
    network, ids = traffic.network, traffic.ids()
    systems = network.systems
    stored = dict(await ask(network.place.url, _BY_STATE))
    unsettled = [name for name in ids if stored.get(name) != "SETTLED"]
    receipts = systems.receipts
    arrived = {name.decode() for name in receipts.delivered}
    informed = {name.decode() for name in receipts.informed}
    [(torn,)] = await ask(network.place.url, _HEADS)
    return [
        told("acknowledged", f"{traffic.acknowledged:,} messages"),
        none("acknowledged and not settled, or gone", len(unsettled)),
        none("acknowledged and never delivered", len(ids - arrived)),
        none("acknowledged and its sender never told the outcome", len(ids - informed)),
        none("applied twice: two acks for one exchange, or an exchange of no ack",
             traffic.acknowledged - len(ids) + len(stored.keys() - ids)),
        none("repeats of a key that got another answer", traffic.differing),
        none("refused for good", len(traffic.refused)),
        none("webhooks that came under a second id", systems.renamed),
        none("webhooks repeated with another body", systems.altered),
        none("wrong signatures", receipts.forged),
        none("documents whose journal has not as many rows as its head says", torn),
    ]  # fmt: skip
