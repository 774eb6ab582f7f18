"""`POST /oauth/token`: password grant as the portal prints it, client credentials beside it.

Errors follow RFC 6749, section 5.2.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, unquote_plus

import msgspec
import structlog

from hundi.kernel.faults import Fault, RefusedError
from hundi.parties.tokens import GrantError, Tokens
from hundi.store.engine import StoreError
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
from hundi.web.not_now import not_now
from hundi.web.visits import NUMBER_HEADER, Visits

FORM_LIMIT = 8 * 1024
_FORM = b"application/x-www-form-urlencoded"
_FIELD_LIMIT = 512
_PATH = "/oauth/token"
_log = structlog.get_logger()
_encode = msgspec.json.encode


class TokenCall:
    """ASGI application for the token call. `refused` counts what was our own fault, by its faults."""

    def __init__(
        self,
        tokens: Tokens,
        visits: Visits,
        *,
        refused: Callable[[tuple[Fault, ...]], None] | None = None,
    ) -> None:
        self._tokens = tokens
        self._visits = visits
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Issue a token, or say in the words of RFC 6749 why not."""
        headers = headers_of(scope)
        told = _Told(send, self._visits)
        try:
            _check_method(scope)
            _check_form(headers)
            proof = _basic(headers)
            form = _form(await read_body(receive, headers, most=FORM_LIMIT))
            answer = await self._grant(form, *proof, address=_address(scope))
        except Disconnected:
            return
        except GrantError as error:
            await told.refused(error)
        except RefusedError as error:
            await told.unheard(error)
        except StoreError as error:
            refusal = not_now(error)
            self._count(refusal.faults)
            await told.not_now(error, refusal)
        except Exception as error:  # noqa: BLE001 (whatever it was, the answer is JSON)
            self._count((INTERNAL.at("", INTERNAL.meaning),))
            await told.unexpected(error)
        else:
            await respond(send, 200, _encode(answer), headers=[(b"pragma", b"no-cache")])

    def _count(self, faults: tuple[Fault, ...]) -> None:
        if self._refused is not None:
            self._refused(faults)

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


class _Told:
    """Tells why there is no token: the caller, and under the same number the log.

    Of what was sent the log has nothing: a wrong form may hold a secret in any place.
    """

    def __init__(self, send: Send, visits: Visits) -> None:
        self._send = send
        self._named = {"request": visits.number(), "path": _PATH}

    async def refused(self, error: GrantError) -> None:
        """In the words of RFC 6749: 401 for no client, 429 while it has to wait, else 400."""
        retry = error.retry_after
        status = 401 if error.error == "invalid_client" else 400 if retry is None else 429
        headers = [(b"www-authenticate", b'Basic realm="hundi"')] if status == 401 else []
        if retry is not None:
            headers.append((b"retry-after", b"%d" % retry))
        await self._answer(status, error.error, told=str(error), headers=headers)

    async def unheard(self, error: RefusedError) -> None:
        """What is no token call at all has a status of its own; RFC 6749 asks for 400 only of the rest."""
        status = status_of(error.faults)
        headers = [(b"allow", b"POST")] if status == 405 else []
        told = error.faults[0].detail
        await self._answer(status, "invalid_request", told=told, headers=headers)

    async def not_now(self, error: StoreError, refusal: RefusedError) -> None:
        """The database could not be asked, or too many ask it."""
        kind = type(error).__name__
        _log.warning("store-unavailable", **self._named, error=str(error), kind=kind)
        headers = [(b"retry-after", b"%d" % (refusal.retry_after or 1))]
        await self._answer(503, "temporarily_unavailable", told="Try again.", headers=headers)

    async def unexpected(self, error: Exception) -> None:
        """A mistake of ours."""
        _log.error("unexpected", **self._named, exc_info=error)
        await self._answer(500, "server_error", told="It has been logged.", headers=[])

    async def _answer(
        self, status: int, error: str, *, told: str, headers: list[tuple[bytes, bytes]]
    ) -> None:
        if status < 500:
            _log.debug("refused", **self._named, status=status, error=error)
        body = _encode({"error": error, "error_description": told})
        number = (NUMBER_HEADER, self._named["request"].encode())
        await respond(self._send, status, body, headers=[*headers, number])
