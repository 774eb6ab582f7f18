"""The whole HTTP face: message calls and the token call bare, everything else through Litestar."""

from collections.abc import Callable, Mapping

from hundi.exchange.definition import MessageType
from hundi.exchange.gate import Road
from hundi.exchange.refusals import RefusalLog
from hundi.exchange.request import Accepted, Refused, Request
from hundi.kernel.faults import Fault
from hundi.parties.tokens import Tokens
from hundi.web.asgi import Receive, Scope, Send
from hundi.web.envelope import status_of
from hundi.web.messages import MessageCalls
from hundi.web.metrics import Metrics
from hundi.web.oauth import TokenCall


class Edge:
    """What the message calls need of the network: the road, its counters, the refusal log."""

    def __init__(
        self, road: Road, *, refusals: RefusalLog, metrics: Metrics, clock: Callable[[], int]
    ) -> None:
        self._road = road
        self._refusals = refusals
        self._metrics = metrics
        self.now = clock

    async def submit(self, request: Request) -> Accepted | Refused:
        """Accept or refuse a request, durably, and count it."""
        began = self.now()
        outcome = await self._road.submit(request)
        if isinstance(outcome, Accepted):
            self._metrics.accepted(request.message, outcome, microseconds=self.now() - began)
        return outcome

    async def replay(
        self, *, client_id: str, key: str, fingerprint: bytes
    ) -> Accepted | Refused | None:
        """The first answer to a key, where there is one."""
        return await self._road.replay(client_id=client_id, key=key, fingerprint=fingerprint)

    def refused(self, client_id: str, path: str, faults: tuple[Fault, ...]) -> None:
        """Count a refusal and remember it in the bounded log."""
        status = status_of(faults)
        self._metrics.refused(faults, status)
        if client_id:
            self._refusals.add(client_id, path, status=status, faults=faults, at=self.now())


class Application:
    """Routes by path. `rest` is the Litestar application of reads, schema, health and metrics."""

    def __init__(
        self,
        messages: Mapping[str, MessageType],
        *,
        edge: Edge,
        tokens: Tokens,
        rest: object,
    ) -> None:
        self._messages = MessageCalls({m.path: m for m in messages.values()}, edge, tokens)
        self._token = TokenCall(tokens)
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
