"""`POST /oauth/token`: password grant as the portal prints it, client credentials beside it.

Errors follow RFC 6749, section 5.2.
"""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qs

import msgspec

from hundi.kernel.faults import RefusedError
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

_FORM = b"application/x-www-form-urlencoded"
_FIELD_LIMIT = 512
_encode = msgspec.json.encode


class TokenCall:
    """ASGI application for the token call."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Issue a token, or say in the words of RFC 6749 why not."""
        headers = headers_of(scope)
        try:
            _check_method(scope)
            form = _form(headers, await read_body(receive, headers))
            answer = await self._grant(form, _basic(headers))
        except Disconnected:
            return
        except GrantError as error:
            await _refuse(send, error.error, str(error))
        except RefusedError as error:
            await _refuse(send, "invalid_request", error.faults[0].detail)
        except StoreError:
            body = _encode({"error": "temporarily_unavailable", "error_description": "Try again."})
            await respond(send, 503, body, headers=[(b"retry-after", b"2")])
        else:
            await respond(send, 200, _encode(answer), headers=[(b"pragma", b"no-cache")])

    async def _grant(
        self, form: Mapping[str, str], basic: tuple[str, str] | None
    ) -> dict[str, object]:
        grant = form.get("grant_type", "password")
        if basic is None:
            raise GrantError(
                "invalid_client", "Send client id and secret in a Basic Authorization header."
            )
        client_id, secret = basic
        if form.get("clientId", client_id) != client_id:
            raise GrantError(
                "invalid_request", "clientId in the form is not the one in the Basic header."
            )
        if grant == "client_credentials":
            return await self._tokens.by_client(client_id=client_id, secret=secret)
        if grant == "refresh_token":
            token = _needed(form, "refresh_token")
            return await self._tokens.by_refresh(client_id=client_id, secret=secret, token=token)
        if grant != "password":
            raise GrantError(
                "unsupported_grant_type",
                "grant_type is password, client_credentials or refresh_token.",
            )
        _needed(form, "clientId")
        return await self._tokens.by_password(
            client_id=client_id,
            secret=secret,
            username=_needed(form, "username"),
            password=_needed(form, "password"),
        )


def _check_method(scope: Scope) -> None:
    if scope["method"] != "POST":
        raise GrantError("invalid_request", "The token call takes POST only.")


def _needed(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise GrantError("invalid_request", f"The form member {name} is missing.")
    return value


def _form(headers: Headers, raw: bytes) -> dict[str, str]:
    if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != _FORM:
        raise GrantError("invalid_request", "Send the form as application/x-www-form-urlencoded.")
    try:
        pairs = parse_qs(
            raw.decode("ascii"), max_num_fields=20, strict_parsing=True, errors="strict"
        )
    except ValueError as error:
        raise GrantError("invalid_request", "The form cannot be read.") from error
    if any(len(values) > 1 or len(values[0]) > _FIELD_LIMIT for values in pairs.values()):
        raise GrantError("invalid_request", "A form member is repeated or too long.")
    return {name: values[0] for name, values in pairs.items()}


def _basic(headers: Headers) -> tuple[str, str] | None:
    kind, _, encoded = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() != b"basic" or len(encoded) > 2 * _FIELD_LIMIT:
        return None
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, secret) if colon and name and secret else None


async def _refuse(send: Send, error: str, description: str) -> None:
    status = 401 if error == "invalid_client" else 400
    headers = [(b"www-authenticate", b'Basic realm="hundi"')] if status == 401 else []
    body = _encode({"error": error, "error_description": description})
    await respond(send, status, body, headers=headers)
