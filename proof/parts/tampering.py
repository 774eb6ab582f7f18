"""Somebody with the database rewrites journals: `hundi journal verify` has to find every change."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.hundi import Hundi
from bench.server import BenchError
from hundi.exchange.duties import perform
from hundi.exchange.sealing.checkpoint import KEY_VARIABLE, Signer, Trusted, new_keys
from hundi.exchange.sealing.store import sealing
from hundi.kernel.clock import wall_clock
from hundi.store.engine import Database
from hundi.store.migrate import upgrade
from hundi.store.opening import open_database
from proof.ground.databases import ask, opened
from proof.ground.network import executable
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least, none, told
from tests.exchange.tampering import KINDS, found_after, tamper
from tests.trade.filled import fill, trade_on

_ROWS = "select count(*) from journal"


class Mutations:
    """Changes of every kind in turn, each taken back after it was looked for."""

    def __init__(self, run: Run, database: Database, trusted: Trusted) -> None:
        self.run = run
        self.database = database
        self.trusted = trusted
        self.made: Counter[str] = Counter()
        self.missed: list[str] = []

    async def play(self, many: int) -> None:
        """Make so many."""
        self.run.progress.goal("mutations", many)
        kinds = tuple(KINDS)
        for number in range(many):
            kind = kinds[number % len(kinds)]
            await self._one(kind, number)
            self.run.progress.at(number + 1, f"{len(self.missed)} not found")

    async def _one(self, kind: str, number: int) -> None:
        chance = self.run.chance(f"{kind} {number}")
        self.made[kind] += 1
        if not await found_after(self.database, kind, chance, self.trusted):
            self.missed.append(f"{kind}, number {number}")
            self.run.progress.say(f"not found: {kind}, number {number} of seed {self.run.seed}")


@dataclass(frozen=True, slots=True)
class Command(Hundi):
    """The command line, with the key that signed the checkpoints."""

    key: str = ""

    async def finds(self) -> bool:
        """Whether `journal verify` ends with the status of something broken."""
        try:
            await self.run("journal", "verify")
        except BenchError as error:
            if "ended with status 1:" not in str(error):
                raise ProofError(f"journal verify could not look: {error}") from error
            return True
        return False

    def environment(self) -> dict[str, str]:
        """Every command gets the key."""
        return {**Hundi.environment(self), KEY_VARIABLE: self.key}


async def measure(run: Run) -> Sequence[Figure]:
    """Fill a store, seal it twice, change it in every way; at last leave one change to the command."""
    many = run.size(full=10_000, brief=450, tiny=30)
    private, public = new_keys()
    async with opened(run) as place:
        await asyncio.to_thread(upgrade, place.url)
        await fill(place.url)
        database = await open_database(place.url, wall_clock)
        try:
            await _sealed(database, place.url, Signer(private))
            [(rows,)] = await ask(place.url, _ROWS)
            command = Command(executable(), place.url, run.folder, key=private)
            before = await command.finds()
            mutations = Mutations(run, database, Trusted.of(public, ""))
            await mutations.play(many)
            after = await command.finds()
            chance = run.chance("kept")
            await database.write(lambda tx: tamper(tx, "rows and head are rewritten", chance))
            kept = await command.finds()
        finally:
            await database.close()
    return [
        at_least("mutations", many, seen=mutations.made.total()),
        none("that were not found", len(mutations.missed)),
        none("complaints of `hundi journal verify` while nothing is changed", before + after),
        none("changes that were kept and that it did not find", int(not kept)),
        told("kinds of mutation", f"{len(mutations.made)}: {', '.join(mutations.made)}"),
        told("journal rows, each verification reads all of them", f"{rows:,}"),
    ]


async def _sealed(database: Database, url: str, signer: Signer) -> None:
    """Two checkpoints, the second one of what has moved since the first."""
    await perform(database, sealing(signer), early=True)
    await trade_on(url)
    await perform(database, sealing(signer), early=True)


PART = Part(
    name="tampering",
    promise="Any row of a signed journal that is changed, removed, moved or added is found, the last one too.",
    databases=BOTH,
    run=measure,
)
