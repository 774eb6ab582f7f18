"""The way to a business's registered contact: what it takes, a real one, and a simulated one."""

from collections import OrderedDict
from typing import Protocol

import aiohttp
from msgspec.structs import asdict

from hundi.onboarding.model import Contact

PATIENCE_SECONDS = 10
KEPT = 1000


class RailError(Exception):
    """The contact may not have got the code; the text says why, and never holds it."""


class ContactRail(Protocol):
    """Sends one-time codes. A code may be sent twice: the later one counts."""

    async def send(self, contact: Contact, code: str, *, reference: str) -> None:
        """Bring a code to a contact; `reference` is the reqMsgId that it belongs to.

        Raises RailError where that may have failed; it is tried again with a new code.
        """


def _message(contact: Contact, code: str, reference: str) -> dict[str, str]:
    return {"reference": reference, **asdict(contact), "code": code}


class HttpContactRail:
    """Hands codes to a message gateway of the operator's; any 2xx is success.

    POST {url} with `{"reference", "phone", "email", "document", "identifier", "pan", "code"}` and a
    bearer token. It is the gateway that knows whom a registry holds for the identifier, and of which PAN.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    async def send(self, contact: Contact, code: str, *, reference: str) -> None:
        """Post one code, within ten seconds, over a connection of its own."""
        body = _message(contact, code, reference)
        patience = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=patience) as session,
                session.post(
                    self._url, json=body, headers=self._headers, allow_redirects=False
                ) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise RailError(type(error).__name__) from None  # the cause may print the body
        if not 200 <= status <= 299:
            raise RailError(f"HTTP {status}")


class SimulatedContacts:
    """Contacts that only exist here: what they were sent is kept in memory, the newest thousand.

    `fails` makes so many of the next sendings fail.
    """

    def __init__(self) -> None:
        self.fails = 0
        self._codes: OrderedDict[str, tuple[Contact, str]] = OrderedDict()

    async def send(self, contact: Contact, code: str, *, reference: str) -> None:
        """Remember a code under its reference, in place of an older one."""
        if self.fails > 0:
            self.fails -= 1
            raise RailError("the simulated contact is out of reach")
        self._codes.pop(reference, None)
        self._codes[reference] = (contact, code)
        while len(self._codes) > KEPT:
            self._codes.popitem(last=False)

    def messages(self) -> list[dict[str, str]]:
        """What was sent, the oldest first, as a gateway would have got it."""
        return [
            _message(contact, code, reference) for reference, (contact, code) in self._codes.items()
        ]
