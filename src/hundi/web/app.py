"""The whole HTTP face: message calls and the token call bare, everything else through Litestar."""

from collections.abc import Mapping

from hundi.exchange.definition import MessageType
from hundi.parties.tokens import Tokens
from hundi.web.asgi import Receive, Scope, Send
from hundi.web.messages import Gate, MessageCalls
from hundi.web.oauth import TokenCall


class Application:
    """Routes by path. `rest` is the Litestar application of reads, schema, health and metrics."""

    def __init__(
        self,
        messages: Mapping[str, MessageType],
        *,
        gate: Gate,
        tokens: Tokens,
        rest: object,
    ) -> None:
        self._messages = MessageCalls({m.path: m for m in messages.values()}, gate, tokens)
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
