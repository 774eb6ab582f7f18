"""Signatures: bits, ages and repeats at the receiver; secrets that change under load."""

import asyncio
from collections.abc import Sequence

from hundi.kernel.signature import new_secret
from proof.ground.checking import Checks, checking
from proof.ground.network import Network, standing
from proof.ground.traffic import Traffic
from proof.part import BOTH, Figure, Part, Run, at_least, none, told
from proof.parts.flipping import Flips, Repeats, wrong_ages

OVER = 2.0
"""Seconds after which a receiver forgets its old secret; what was signed before has come by then."""
CALLERS = 8


async def measure(run: Run) -> Sequence[Figure]:
    """First without a network, then over one that is served."""
    return [*await asyncio.to_thread(_received, run), *await _rotated(run)]


def _received(run: Run) -> list[Figure]:
    messages = run.size(full=20, brief=1, tiny=1)
    flips, repeats = Flips(new_secret(run.chance("secret").randbytes)), Repeats()
    run.progress.goal("messages with every bit changed", messages)
    for number in range(1, messages + 1):
        flips.play(number)
        run.progress.at(number, f"{flips.tried:,} bits, {flips.ours + flips.theirs} believed")
    ages = wrong_ages(run.chance("ages"))
    repeats.play(run.chance("repeats"), run.size(full=2_000, brief=100, tiny=20))
    return [
        told("bits changed", f"{flips.tried:,} of {messages} messages, id, time and signature"),
        none("unchanged messages that were refused", 2 * messages - flips.untouched),
        none("changed messages that we believed", flips.ours),
        none("changed ids, times and bodies that standardwebhooks believed", flips.theirs),
        told("signatures that it believed: other spellings of the same", f"{flips.lax:,}"),
        none(f"wrong about 299 s or 301 s {', '.join(ages)}".rstrip(), len(ages)),
        told("webhooks heard again and again", f"{repeats.tried:,}"),
        none("repeats with another answer than the first", repeats.differing),
        none("messages applied another number of times than once", repeats.applied),
    ]


async def _rotated(run: Run) -> list[Figure]:
    many = run.size(full=50, brief=5, tiny=1)
    checks = Checks()
    async with standing(run, roles=("api", "all")) as network:
        checks.held = {role: c["webhookSecret"] for role, c in network.clients.items()}
        first = set(checks.held.values())
        checking(network.systems, checks)
        traffic = Traffic(network, run.chance("traffic"), callers=CALLERS)
        await traffic.start()
        run.progress.goal("secrets changed under load", many)
        for number in range(1, many + 1):
            await traffic.flows(more=20)
            await _change(network, checks, ("supplier", "buyer")[number % 2])
            run.progress.at(number, f"{checks.checked:,} checks, {checks.failed} failed")
        await traffic.flows(more=20)
        await traffic.stop()
    return [
        at_least("secrets changed under load, that a webhook was then signed with", many,
                 seen=len(checks.believed - first)),
        told("webhooks checked", f"{checks.checked:,}, {checks.doubly:,} with two signatures"),
        none("webhooks with two signatures missing", int(checks.doubly == 0)),
        none(f"failed checks {checks.trouble}".rstrip(), checks.failed),
        none("messages refused meanwhile", len(traffic.refused)),
    ]  # fmt: skip


async def _change(network: Network, checks: Checks, role: str) -> None:
    """A new secret; its receiver goes on with the old one for a while, then knows the new one alone."""
    client = str(network.clients[role]["clientId"])
    made = await network.hundi.run("client", "rotate-secret", "--client", client, "--json")
    network.systems.expect(role, made["webhookSecret"])
    await asyncio.sleep(OVER)
    checks.held[role] = made["webhookSecret"]
    await asyncio.sleep(OVER)


PART = Part(
    name="signatures",
    promise="No changed bit, no old message is believed; a repeat is applied once; secrets change unnoticed.",
    databases=BOTH,
    run=measure,
)
