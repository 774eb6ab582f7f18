"""The token call: no form, no header but the right ones brings a token, and none brings a 500."""

import asyncio
import base64
import json
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from random import Random
from typing import Any

from hundi.kernel.clock import wall_clock
from hundi.kernel.rates import Rates, Use
from hundi.kernel.sealing import Keyring
from hundi.parties.operations import add_client
from hundi.parties.tokens import Tokens
from hundi.store.migrate import upgrade
from hundi.store.opening import open_database
from hundi.web.oauth import TokenCall
from hundi.web.visits import Visits

_ANSWERS = {200, 400, 401, 405, 413, 415, 429}
_ADDRESSES = 1000


class Desk:
    """The call before a store with one client in it."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory(prefix="hundi-fuzz-")
        self._number = 0
        self._runner.run(self._open())

    async def _open(self) -> None:
        url = f"sqlite:///{Path(self._folder.name) / 'tokens.db'}"
        await asyncio.to_thread(upgrade, url)
        database = await open_database(url, wall_clock)
        made = await add_client(
            database, name="Fuzzed", endpoint=None, random=Random(1).randbytes,
            keyring=Keyring([b"k" * 32]),
        )  # fmt: skip
        self.proof = base64.b64encode(f"{made.client_id}:{made.client_secret}".encode())
        self._tokens = Tokens(database, Random(2).randbytes, rates=Rates())
        self._call = TokenCall(self._tokens, Visits(Random(3).randbytes))

    def ask(self, authorization: bytes, kind: bytes, form: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to one call, from one of many addresses."""
        return self._runner.run(self._asked(authorization, kind, form))

    def knows(self, token: str) -> bool:
        """Whether a text is somebody's access token."""
        asked = self._tokens.client_of(token, wall_clock(), use=Use.READS)
        return self._runner.run(asked) is not None

    async def _asked(self, authorization: bytes, kind: bytes, form: bytes) -> tuple[int, bytes]:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": form, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        self._number += 1
        place = self._number % _ADDRESSES
        await self._call(
            {
                "type": "http", "method": "POST", "path": "/oauth/token",
                "client": (f"192.0.2.{place % 256}" if place else "2001:db8::1", 1),
                "headers": [(b"authorization", authorization), (b"content-type", kind)],
            },
            receive,
            send,
        )  # fmt: skip
        return sent[0]["status"], sent[1]["body"]


class Tried:
    """The target; its store is made when the first bytes come."""

    def __init__(self) -> None:
        self._desk: Desk | None = None

    def __call__(self, raw: bytes) -> None:
        """Three parts, a line each: Authorization, Content-Type, and the form; `{proof}` is right."""
        desk = self._desk = self._desk or Desk()
        authorization, kind, form = (raw.split(b"\n", 2) + [b""] * 3)[:3]
        status, body = desk.ask(authorization.replace(b"{proof}", desk.proof), kind, form)
        assert status in _ANSWERS, f"{status} {body!r}"
        told = json.loads(body)
        if status == 200:
            assert desk.proof in authorization.replace(b"{proof}", desk.proof), (
                "a token for nothing"
            )
            assert desk.knows(told["access_token"])
            return
        assert told["error"], told
        assert told["error_description"], told
        assert not desk.knows(authorization.decode("latin-1")), "whatever is sent is a token"


tokens = Tried()
