"""`POST /oauth/token`: password grant as the portal prints it, client credentials beside it.

Errors follow RFC 6749, section 5.2.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, unquote_plus

import msgspec
import structlog

from hundi.kernel.faults import Code, Fault, RefusedError
from hundi.parties.tokens import GrantError, Tokens
from hundi.store.engine import UNAVAILABLE, StoreError
from hundi.web.asgi import (
    Disconnected,
    Headers,
    Receive,
    Scope,
    Send,
    headers_of,
    read_body,
    respond,
)
from hundi.web.envelope import INTERNAL, METHOD, status_of

FORM_LIMIT = 8 * 1024
_FORM = b"application/x-www-form-urlencoded"
_FIELD_LIMIT = 512
_log = structlog.get_logger()
_encode = msgspec.json.encode


class TokenCall:
    """ASGI application for the token call. `refused` counts what was our own fault, by its faults."""

    def __init__(
        self, tokens: Tokens, *, refused: Callable[[tuple[Fault, ...]], None] | None = None
    ) -> None:
        self._tokens = tokens
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Issue a token, or say in the words of RFC 6749 why not."""
        headers = headers_of(scope)
        try:
            _check_method(scope)
            _check_form(headers)
            proof = _basic(headers)
            form = _form(await read_body(receive, headers, most=FORM_LIMIT))
            answer = await self._grant(form, *proof, address=_address(scope))
        except Disconnected:
            return
        except GrantError as error:
            await _refuse(send, error.error, str(error), retry_after=error.retry_after)
        except RefusedError as error:
            await _unheard(send, error)
        except StoreError as error:
            kind = type(error).__name__
            _log.warning("store-unavailable", path=scope["path"], error=str(error), kind=kind)
            self._count(UNAVAILABLE)
            body = _encode({"error": "temporarily_unavailable", "error_description": "Try again."})
            await respond(send, 503, body, headers=[(b"retry-after", b"2")])
        except Exception as error:  # noqa: BLE001 (whatever it was, the answer is JSON)
            _log.error("unexpected", path=scope["path"], exc_info=error)
            self._count(INTERNAL)
            body = _encode({"error": "server_error", "error_description": "It has been logged."})
            await respond(send, 500, body)
        else:
            await respond(send, 200, _encode(answer), headers=[(b"pragma", b"no-cache")])

    def _count(self, code: Code) -> None:
        if self._refused is not None:
            self._refused((code.at("", code.meaning),))

    async def _grant(
        self, form: Mapping[str, str], client_id: str, secret: str, *, address: str
    ) -> dict[str, object]:
        grant = form.get("grant_type", "password")
        if form.get("clientId", client_id) != client_id:
            raise GrantError(
                "invalid_request", "clientId in the form is not the one in the Basic header."
            )
        if grant == "client_credentials":
            return await self._tokens.by_client(client_id=client_id, secret=secret, address=address)
        if grant == "refresh_token":
            token = _needed(form, "refresh_token")
            return await self._tokens.by_refresh(
                client_id=client_id, secret=secret, address=address, token=token
            )
        if grant != "password":
            raise GrantError(
                "unsupported_grant_type",
                "grant_type is password, client_credentials or refresh_token.",
            )
        _needed(form, "clientId")
        return await self._tokens.by_password(
            client_id=client_id,
            secret=secret,
            address=address,
            username=_needed(form, "username"),
            password=_needed(form, "password"),
        )


def _address(scope: Scope) -> str:
    """Where the call came from, as the proxies before us tell if they are trusted."""
    client = scope.get("client")
    return client[0] if client else ""


def _check_method(scope: Scope) -> None:
    if scope["method"] != "POST":
        raise RefusedError([METHOD.at("", "The token call takes POST only.")])


def _needed(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise GrantError("invalid_request", f"The form member {name} is missing.")
    return value


def _check_form(headers: Headers) -> None:
    if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != _FORM:
        raise GrantError("invalid_request", "Send the form as application/x-www-form-urlencoded.")


def _form(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qs(
            raw.decode("ascii"), max_num_fields=20, strict_parsing=True, errors="strict"
        )
    except ValueError as error:
        raise GrantError("invalid_request", "The form cannot be read.") from error
    if any(len(values) > 1 or len(values[0]) > _FIELD_LIMIT for values in pairs.values()):
        raise GrantError("invalid_request", "A form member is repeated or too long.")
    if any("\x00" in values[0] for values in pairs.values()):
        raise GrantError("invalid_request", "A form member holds NUL.")
    return {name: values[0] for name, values in pairs.items()}


def _basic(headers: Headers) -> tuple[str, str]:
    """Client id and secret, whose escapes are undone (RFC 6749, section 2.3.1; ours have none)."""
    kind, _, encoded = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() != b"basic" or len(encoded) > 2 * _FIELD_LIMIT:
        raise _no_client()
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        name, secret = unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, UnicodeDecodeError):
        raise _no_client() from None
    if not name or not secret or "\x00" in name + secret:  # PostgreSQL's text holds no NUL
        raise _no_client()
    return name, secret


def _no_client() -> GrantError:
    sentence = "Send client id and secret in a Basic Authorization header."
    return GrantError("invalid_client", sentence)


async def _unheard(send: Send, error: RefusedError) -> None:
    """What is no token call at all has a status of its own; RFC 6749 asks for 400 only of the rest."""
    status = status_of(error.faults)
    body = _encode({"error": "invalid_request", "error_description": error.faults[0].detail})
    await respond(send, status, body, headers=[(b"allow", b"POST")] if status == 405 else [])


async def _refuse(
    send: Send, error: str, description: str, *, retry_after: int | None = None
) -> None:
    status = 401 if error == "invalid_client" else 400 if retry_after is None else 429
    headers = [(b"www-authenticate", b'Basic realm="hundi"')] if status == 401 else []
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % retry_after))
    body = _encode({"error": error, "error_description": description})
    await respond(send, status, body, headers=headers)
