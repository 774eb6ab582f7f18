"""The commands of the operating guide that copy a PostgreSQL while it is served, and start the copy."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.kernel.clock import wall_clock
from hundi.store.migrate import upgrade
from hundi.store.opening import open_database
from tests import postgres as private
from tests.house.sources import ROOT
from tests.postgres import Cluster
from tests.trade.filled import fill
from tests.trade.invariants import wrong_in

COUNT = sa.select(sa.func.count().label("n")).select_from(tables.exchange)
GUIDE = ROOT / "docs" / "guide" / "operating.md"


def commands() -> list[str]:
    """The lines of the guide that begin with pg_basebackup or pg_verifybackup."""
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if re.match(r"pg_(base|verify)backup ", line)]


@pytest.mark.timeout(600)
def test_the_guides_commands_copy_and_the_copy_starts(postgres: Cluster) -> None:
    running = postgres
    url = running.create("hundi_copied")
    upgrade(url)
    asyncio.run(fill(url))
    owner = private._owner()
    # Not below pytest's folder, which only its owner may enter.
    folder = Path(f"{running.folder}-restored")
    folder.mkdir()
    try:
        if owner is not None:
            shutil.chown(folder, owner.pw_uid, owner.pw_gid)
        base, verify = commands()
        for command in (base, verify):
            made = command.replace("db.internal", str(running.folder)).replace(
                "/backup/hundi-2026-11-25", str(folder / "data")
            )
            subprocess.run(
                made.replace("--host", f"--port {running.port} --host").replace(
                    "--username replicator", f"--username {private.USER}"
                ),
                shell=True,
                check=True,
                cwd="/",
                env=private._environment() | {"PATH": f"{running.programs}:/usr/bin:/bin"},
                user=owner.pw_uid if owner else None,
                group=owner.pw_gid if owner else None,
                extra_groups=[] if owner else None,
            )
        with private._started(running.programs, folder, owner, settings={}) as restored:
            assert asyncio.run(_wrong(restored.url("hundi_copied"))) == []
    finally:
        shutil.rmtree(folder)
        running.drop("hundi_copied")


async def _wrong(url: str) -> list[str]:
    database = await open_database(url, wall_clock)
    try:
        found = await database.read(wrong_in)
        [row] = await database.read(lambda tx: tx.select(COUNT))
        assert row["n"] > 20
        return found
    finally:
        await database.close()
