"""The whole HTTP face: the portal's calls and the token call bare, all else through Litestar."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from hundi.exchange.definition import MessageType
from hundi.exchange.gate import Road
from hundi.exchange.refusals import RefusalLog
from hundi.exchange.request import Accepted, Refused, read_request
from hundi.kernel.faults import Fault
from hundi.onboarding.calls import CALLS, CallType, read_call
from hundi.onboarding.operations import Onboarding
from hundi.parties.tokens import Tokens
from hundi.web.asgi import Receive, Scope, Send
from hundi.web.envelope import OVERLOADED, status_of
from hundi.web.messages import Call, MessageCalls, Submit
from hundi.web.metrics import MESSAGE, STRANGER, TOKEN, Metrics
from hundi.web.oauth import TokenCall
from hundi.web.visits import Visits

_OF_NOBODY = {401, 404, 405}
"""Before a sender is known: no valid token, or no such call. Scanners must not outweigh messages, and
whose token waited for its turn in vain is one of the flood that he waited in.
"""


class Edge:
    """What the calls need of the network: keys, counters, the refusal log."""

    def __init__(
        self, road: Road, *, refusals: RefusalLog, metrics: Metrics, clock: Callable[[], int]
    ) -> None:
        self._road = road
        self._refusals = refusals
        self._metrics = metrics
        self.now = clock

    def accepted(self, message: str, outcome: Accepted, *, since: int) -> None:
        """Count an acceptance under its message's stored name."""
        self._metrics.accepted(message, outcome, microseconds=self.now() - since)

    async def replay(
        self, *, client_id: str, key: str, fingerprint: bytes
    ) -> Accepted | Refused | None:
        """The first answer to a key, where there is one."""
        return await self._road.replay(client_id=client_id, key=key, fingerprint=fingerprint)

    def refused(self, faults: tuple[Fault, ...], *, client_id: str, path: str) -> None:
        """Count a refusal and remember it in the bounded log."""
        status = status_of(faults)
        stranger = not client_id and (status in _OF_NOBODY or faults[0].code == OVERLOADED.name)
        self._metrics.refused(faults, status, call=STRANGER if stranger else MESSAGE)
        if client_id:
            self._refusals.add(client_id, path, status=status, faults=faults, at=self.now())

    def token_refused(self, faults: tuple[Fault, ...]) -> None:
        """Count a token call that was refused."""
        self._metrics.refused(faults, status_of(faults), call=TOKEN)


@dataclass(frozen=True, slots=True)
class MessageCall:
    """A document's message: the road takes it."""

    message: MessageType
    road: Road
    path: str
    name: str

    def read(
        self, raw: bytes, *, client_id: str, idempotency_key: str | None, trace: str | None
    ) -> Submit:
        """Read a body strictly. Raises RefusedError with all faults of its shape."""
        request = read_request(
            self.message, raw, client_id=client_id, idempotency_key=idempotency_key, trace=trace
        )
        return partial(self.road.enter, request)


@dataclass(frozen=True, slots=True)
class OnboardingCall:
    """A call of onboarding: its room takes it."""

    kind: CallType
    onboarding: Onboarding
    path: str
    name: str

    def read(
        self, raw: bytes, *, client_id: str, idempotency_key: str | None, trace: str | None
    ) -> Submit:
        """Read a body strictly. Raises RefusedError with all faults of its shape."""
        call = read_call(
            self.kind, raw, client_id=client_id, idempotency_key=idempotency_key, trace=trace
        )
        return lambda: asyncio.ensure_future(self.onboarding.submit(call))


def calls(road: Road, onboarding: Onboarding) -> tuple[Call, ...]:
    """Every call under /api/v0."""
    messages = (MessageCall(one, road, one.path, name) for name, one in road.messages.items())
    joining = (OnboardingCall(one, onboarding, one.path, one.stored_name) for one in CALLS)
    return (*messages, *joining)


class Application:
    """Routes by path. `rest` is the Litestar application of reads, schema, health and metrics.

    `proxies` are addresses whose X-Forwarded-For is believed, parted by commas. `whole` are the
    calls that are taken without ASGI where they have come whole, by their targets.
    """

    def __init__(
        self,
        calls: Iterable[Call],
        *,
        edge: Edge,
        tokens: Tokens,
        visits: Visits,
        rest: object,
        proxies: str = "",
    ) -> None:
        by_path = {call.path: call for call in calls}
        self._messages = MessageCalls(by_path, edge, tokens=tokens, visits=visits)
        self.whole = self._messages.whole
        token = TokenCall(tokens, visits, refused=edge.token_refused)
        # Nothing else asks where a call came from.
        self._token: Any = ProxyHeadersMiddleware(token, proxies) if proxies else token  # type: ignore[arg-type]
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a connection to who answers it."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith("/api/"):
            await self._messages(scope, receive, send)
        elif scope["type"] == "http" and path == "/oauth/token":
            await self._token(scope, receive, send)
        else:
            await self._rest(scope, receive, send)  # type: ignore[operator]
