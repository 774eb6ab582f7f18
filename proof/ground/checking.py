"""Receivers that check every signature, also while their secrets are changed."""

import asyncio

from hundi.kernel.clock import wall_clock
from hundi.kernel.signature import HEADERS, SignatureError, verify
from proof.ground.receiving import Systems

_REFUSED = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"


class Checks:
    """What each system believes in: one secret, so that a second one in force shows.

    `held` are secrets by the first word of the path, `believed` those that a webhook was signed with.
    `trouble` is what the first failed check said.
    """

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.believed: set[str] = set()
        self.checked = self.failed = self.doubly = 0
        self.trouble = ""

    def believe(self, head: bytes, body: bytes) -> bool:
        """Whether a webhook is signed with the secret that its receiver has now."""
        lines = head.decode("latin-1").split("\r\n")
        role = lines[0].split("/", 2)[1]
        pairs = (line.split(":", 1) for line in lines[1:] if line)
        headers = {n.lower(): v.strip() for n, v in pairs if n.lower() in HEADERS}
        self.checked += 1
        self.doubly += " " in headers.get("webhook-signature", "")
        try:
            verify([self.held[role]], headers, body, now=wall_clock())
        except SignatureError as error:
            self.failed += 1
            self.trouble = self.trouble or f"{role}: {error}"
            return False
        self.believed.add(self.held[role])
        return True


def checking(systems: Systems, checks: Checks) -> None:
    """Have systems answer 401 to whatever fails its check."""

    def judge(transport: asyncio.Transport, head: bytes, body: bytes) -> bool:
        believed = checks.believe(head, body)
        if not believed:
            transport.write(_REFUSED)
        return believed

    systems.judge = judge
