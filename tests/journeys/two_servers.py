"""A primary and its synchronous standby, as `deploy/standby/standby.sh` makes them."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.house.sources import ROOT
from tests.ports import free_port
from tests.postgres import _owner
from tests.until import until_seen

SCRIPT = ROOT / "deploy" / "standby" / "standby.sh"
UP_SECONDS = 300


@dataclass(frozen=True)
class TwoServers:
    """The two servers, `a` and `b`, on ports of their own."""

    home: Path
    ports: dict[str, int]

    @property
    def url(self) -> str:
        """As a serving process takes it: it finds the primary by itself."""
        password = (self.home / "secrets" / "hundi").read_text()
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports.values())
        return f"postgresql://hundi:{password}@{hosts}/hundi"

    def command(self, *words: str) -> list[str]:
        """The script's command line."""
        owner = _owner()
        where = ("--home", str(self.home), "--run-as", owner.pw_name if owner else "postgres")
        ports = ("--port-a", str(self.ports["a"]), "--port-b", str(self.ports["b"]))
        return [str(SCRIPT), words[0], *where, *ports, *words[1:]]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command of the script, to its end. The servers that it starts keep their own output."""
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False, timeout=UP_SECONDS
        )

    def done(self, *words: str) -> str:
        """What a command printed; it must succeed.

        A server has three seconds to answer the one look that some take before they begin.
        """
        ran = self.run(*words)
        if "does not answer" in ran.stderr:
            ran = self.run(*words)
        assert ran.returncode == 0, f"{words}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def safe(self) -> str:
        """What the script tells once it has seen that both run and nothing can be lost."""
        said: list[str] = []

        def is_told() -> bool:
            ran = self.run("status")
            said[:] = [ran.stdout]
            return ran.returncode == 0

        until_seen(is_told)
        return said[0]

    def sql(self, server: str, statement: str) -> str:
        """What a statement answers, asked by the superuser."""
        password = (self.home / "secrets" / "postgres").read_text()
        where = ("-h", "127.0.0.1", "-p", str(self.ports[server]), "-U", "postgres")
        asked = subprocess.run(
            ["psql", "-XAtq", *where, "-d", "postgres", "-c", statement],
            env=os.environ | {"PGPASSWORD": password},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return asked.stdout.strip()

    def kill(self, server: str) -> None:
        """End a server's first process as a power cut would; its others follow."""
        first = (self.home / server / "postmaster.pid").read_text().splitlines()[0]
        os.kill(int(first), signal.SIGKILL)


@contextmanager
def two_servers(*, under: Path | None = None) -> Iterator[TwoServers]:
    """Both up and in sync; stopped and removed at the end."""
    # Not in the test's own folder: that one is closed to the user whom the servers run as.
    home = Path(tempfile.mkdtemp(prefix="hundi-two-", dir=under))
    servers = TwoServers(home, {"a": free_port(), "b": free_port()})
    try:
        servers.done("up")
        yield servers
    finally:
        servers.run("down")
        shutil.rmtree(home)
