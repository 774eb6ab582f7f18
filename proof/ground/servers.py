"""`hundi serve` as processes that are killed, frozen and started again on the same port."""

import asyncio
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

from proof.ground import killing
from proof.part import ProofError

READY_SECONDS = 60.0
STOP_SECONDS = 60.0
_ASK = b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"


class Server:
    """One serving process. `port` is None for a dispatcher, which has no page of its own."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        port: int | None,
        environment: Mapping[str, str],
        logs: Path,
    ) -> None:
        self.name = name
        self.port = port
        self.environment = dict(environment)
        self._command = command
        self._log = logs / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._said = 0

    @property
    def pid(self) -> int:
        """Its process. Raises ProofError while there is none."""
        if self._process is None:
            raise ProofError(f"{self.name} does not run")
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether its process is there; one that ended by itself is not."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises ProofError."""
        self.launch()
        await self.ready()

    def launch(self) -> None:
        """Start it and do not wait."""
        with self._log.open("ab") as output:
            self._said = output.tell()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | self.environment,
            )

    async def ready(self) -> None:
        """Wait until it serves. Raises ProofError where it does not come to it."""
        deadline = monotonic() + READY_SECONDS
        while not await self.answers():
            if not self.runs or monotonic() > deadline:
                raise ProofError(f"{self.name} did not become ready: {self.tail()}")
            await asyncio.sleep(0.03)

    async def answers(self) -> bool:
        """Whether it says that it is ready; a dispatcher only says so when it starts."""
        if self.port is None:
            return self.runs and b"dispatching" in self._log.read_bytes()[self._said :]
        return await status_of(self.port, _ASK, seconds=5) == 200

    async def kill(self) -> None:
        """End it at once, workers and all."""
        await killing.kill(self.pid)
        self._reaped()

    async def stop(self) -> None:
        """SIGTERM, and wait for its end. Raises ProofError where it does not come."""
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            await self.kill()
            raise ProofError(f"{self.name} did not stop: {self.tail()}") from error
        self._process = None

    def _reaped(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None

    def tail(self) -> str:
        """The end of what it printed."""
        return self._log.read_text(errors="replace")[-1500:]


async def status_of(port: int, request: bytes, *, seconds: float) -> int | None:
    """The status of one request on a connection of its own; None where no answer came in time."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(request)
                words = (await reader.readline()).split()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    return int(words[1]) if len(words) > 1 else None
