"""Messages under way while the tables are upgraded from those of an earlier migration."""

import asyncio
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from hundi.store import migrate
from proof.ground import judging
from proof.ground.databases import ask
from proof.ground.network import SPLIT, Network, executable, standing
from proof.ground.servers import Server
from proof.ground.traffic import Traffic
from proof.part import BOTH, SQLITE, Figure, Part, ProofError, Run, at_least, told

CALLERS = 12
SLOW = 0.3
_VERSIONS = "src/hundi/store/migrations/versions"
_TABLES = "select version_num from alembic_version"
_OPEN = "select count(*) from exchange where state = 'OPEN'"


def earlier_code(folder: Path) -> tuple[Path, str]:
    """A `hundi` of the last commit whose migrations are today's but for the newest, and that commit.

    Raises ProofError where the history does not reach so far back.
    """
    today = sorted(path.name for path in Path(migrate.__file__).parent.glob("migrations/*/v*.py"))
    for fewer in range(len(today) - 1, 0, -1):
        for commit in _git("log", "--format=%h", "--", f"{_VERSIONS}/{today[fewer - 1]}").split():
            if _migrations(commit) == today[:fewer]:
                return _unpacked(commit, folder), f"{commit}, {today[fewer - 1]}"
    raise ProofError(f"the history does not reach back before {today[-1]}")


def _migrations(commit: str) -> list[str]:
    names = _git("ls-tree", "--name-only", f"{commit}:{_VERSIONS}").split()
    return sorted(name for name in names if name.startswith("v"))


def _git(*arguments: str) -> str:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        ["git", *arguments], check=False, cwd=root, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise ProofError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def _unpacked(commit: str, folder: Path) -> Path:
    """Its sources, and a program that runs them with the libraries of today."""
    archive = folder / "earlier.tar"
    _git("archive", "--output", str(archive), commit, "src")
    subprocess.run(["tar", "-x", "-f", str(archive), "-C", str(folder)], check=True)
    program = folder / "earlier-hundi"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{folder}/src" exec "{sys.executable}" -m hundi.main "$@"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


async def measure(run: Run) -> Sequence[Figure]:
    """Upgrade again and again, each time a fresh database that the earlier code has filled."""
    rounds = run.size(full=20, brief=2, tiny=1)
    program, commit = await asyncio.to_thread(earlier_code, run.folder)
    changed = open_then = acks = 0
    counts: Counter[str] = Counter()
    for place in range(rounds):
        async with standing(run, roles=SPLIT, slow=SLOW, program=program) as network:
            run.progress.goal("upgrades", rounds)
            run.progress.at(place, f"{open_then} exchanges open at their upgrades")
            before = await ask(network.place.url, _TABLES)
            found, traffic = await _upgraded(network, run.chance(f"traffic {place}"))
            changed += await ask(network.place.url, _TABLES) > before
            open_then, acks = open_then + found, acks + traffic.acknowledged
            counts.update(await judging.counted(traffic))
    how = "killed, tables and code changed" if run.database == SQLITE else "while serving"
    return [
        told("from the code and tables of", f"{commit}; {how}"),
        at_least("upgrades, after which the tables say a later version", rounds, seen=changed),
        at_least("exchanges open when the tables changed", rounds, seen=open_then),
        told("acknowledged", f"{acks:,} messages"),
        *judging.figures(run, counts),
    ]


async def _upgraded(network: Network, chance: Random) -> tuple[int, Traffic]:
    """Traffic on the earlier code, the upgrade, and more traffic on today's; all let end."""
    traffic = Traffic(network, chance, callers=CALLERS)
    more = network.run.size(full=500, brief=150, tiny=30)
    await traffic.start()
    await traffic.flows(more=more)
    found = await (_at_rest if network.run.database == SQLITE else _while_serving)(network)
    await traffic.flows(more=more)
    await traffic.stop()
    await judging.drain(network)
    return found, traffic


async def _at_rest(network: Network) -> int:
    """SQLite: the earlier server dies, the new one upgrades the file and serves on the same port."""
    [server] = network.servers
    await server.kill()
    network.program = executable()
    [(found,)] = await ask(network.place.url, _OPEN)
    await network.seat("all", again=server).start()
    return int(found)


async def _while_serving(network: Network) -> int:
    """PostgreSQL: the tables change under the earlier servers, which then go one by one."""
    [(found,)] = await ask(network.place.url, _OPEN)
    network.program = executable()
    await network.hundi.run("db", "upgrade")
    await asyncio.sleep(1)
    for server in list(network.servers):
        await _replaced(network, server)
    return int(found)


async def _replaced(network: Network, server: Server) -> None:
    await server.stop()
    role = server.name.rstrip("0123456789")
    await network.seat(role, again=server).start()


PART = Part(
    name="upgrade",
    promise="Messages under way when the tables are upgraded arrive as if nothing had happened.",
    databases=BOTH,
    run=measure,
)
