"""Hundi by its public surfaces alone: the command line, the token call, the reads."""

import asyncio
import base64
import json
import os
import urllib.error
import urllib.request
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.server import BenchError, Server, running

_KEY = "hsk_" + "A" * 43
"""What the databases under test, which end with the measurement, keep secrets with."""
_NAMES = {
    "buyer": ("Imaginary Loom Textiles", "ZZZCI2701K", "27ZZZCI2701K1Z0"),
    "supplier": ("Made-Up Yarn Mills", "ZZZFM3301Q", "33ZZZFM3301Q1ZN"),
}


@dataclass(frozen=True, slots=True)
class Hundi:
    """An installed `hundi` over one database, served by so many workers."""

    executable: Path
    database: str
    logs: Path
    workers: int = 1

    async def run(self, *arguments: str) -> dict[str, Any]:
        """Run a command to its end; its JSON where it prints some. Raises BenchError."""
        process = await asyncio.create_subprocess_exec(
            str(self.executable),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | self.environment(),
        )
        output, complaint = await process.communicate()
        if process.returncode != 0:
            shown = " ".join(arguments)
            message = f"hundi {shown} ended with status {process.returncode}:\n{complaint.decode()}"
            raise BenchError(message)
        answer: dict[str, Any] = json.loads(output) if "--json" in arguments else {}
        return answer

    async def enrol(self, role: str, endpoint: str) -> dict[str, Any]:
        """Add a client with an endpoint and its party; what `client add --json` printed."""
        name, pan, gstin = _NAMES[role]
        client = await self.run("client", "add", "--name", name, "--endpoint", endpoint, "--json")
        party = ("--name", name, "--pan", pan, "--gstin", gstin)
        await self.run("party", "add", "--client", client["clientId"], *party, "--json")
        return client

    def serving(self, *options: str) -> AbstractAsyncContextManager[Server]:
        """`hundi serve --dev` with more options, until the block ends."""
        command = (
            str(self.executable),
            "serve",
            "--host",
            "127.0.0.1",
            "--dev",
            *("--workers", str(self.workers)),
            *options,
        )
        return running("hundi", command, environment=self.environment(), logs=self.logs)

    def environment(self) -> dict[str, str]:
        """What its processes need: which database, and the key of its secrets."""
        return {"HUNDI_DATABASE_URL": self.database, "HUNDI_SECRET_KEYS": _KEY}


async def token(port: int, client: dict[str, Any]) -> str:
    """An access token for a client, by its client credentials."""
    pair = f"{client['clientId']}:{client['clientSecret']}".encode()
    basic = base64.b64encode(pair).decode()
    call = urllib.request.Request(
        f"http://127.0.0.1:{port}/oauth/token",
        data=b"grant_type=client_credentials",
        headers={"Authorization": f"Basic {basic}"},
    )
    answer = await asyncio.to_thread(_json, call)
    return str(answer["access_token"])


async def document(port: int, bearer: str, name: str) -> dict[str, Any]:
    """A document as the network holds it, by type and id: `invoice/INV…`."""
    call = urllib.request.Request(
        f"http://127.0.0.1:{port}/network/v1/documents/{name}",
        headers={"Authorization": f"Bearer {bearer}"},
    )
    return await asyncio.to_thread(_json, call)


def _json(call: urllib.request.Request) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(call, timeout=20) as answer:
            content: dict[str, Any] = json.load(answer)
    except urllib.error.URLError as error:
        told = error.read().decode() if isinstance(error, urllib.error.HTTPError) else ""
        raise BenchError(f"{call.full_url}: {error} {told}") from error
    return content
