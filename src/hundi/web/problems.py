"""Refusals of our own calls as problem details (RFC 9457), whoever refused: we, Litestar, the store."""

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import structlog
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from hundi.kernel.faults import Code, Fault, Kind, RefusedError
from hundi.store.engine import StoreError
from hundi.web.envelope import INTERNAL, METHOD, NO_ROUTE, TOO_LARGE, problem, status_of
from hundi.web.metrics import READ
from hundi.web.not_now import not_now

PARAMETER = Code(
    "HTTP-PARAMETER",
    Kind.SHAPE,
    "A parameter in the path or the query is unknown or not of its form. /schema tells the forms.",
)
CODES = (PARAMETER,)

MEDIA_TYPE = "application/problem+json"
_LONGEST_SEGMENT = 200
POSTED = {"abandon", "redrive", "enable", "code", "resend", "activate", "deactivate"}
"""The last words of the paths that take POST; all others take GET."""

_level = logging.getLogger(__name__)
_log = structlog.get_logger()
Caller = Request[Any, Any, Any]
Connection = ASGIConnection[Any, Any, Any, Any]


def segment(raw: str) -> str:
    """A path segment without its escapes. Raises RefusedError for what can name nothing."""
    try:
        text = unquote(raw, errors="strict")
    except UnicodeDecodeError:
        raise _parameter("path", "The path is not UTF-8. Escape it as UTF-8 bytes.") from None
    if "\x00" in text or len(text) > _LONGEST_SEGMENT:
        detail = f"A part of the path holds NUL or more than {_LONGEST_SEGMENT} characters."
        raise _parameter("path", detail)
    return text


async def only_known_parameters(connection: Connection, handler: BaseRouteHandler) -> None:
    """A misspelt filter would else be no filter, and of two one be lost.

    Raises RefusedError for what a call does not take, or not twice, and for what is not UTF-8.
    """
    asked = connection.query_params
    if not asked:
        return
    _check_utf8(connection.scope["query_string"])
    names = [
        definition.name
        for one in handler.parsed_fn_signature.parameters.values()
        if isinstance(definition := one.kwarg_definition, QueryParameter)
    ]
    unknown = [name for name in asked if name not in names]
    if unknown:
        known = f"It takes {', '.join(map(str, names))}." if names else "It takes none."
        raise RefusedError(
            [
                PARAMETER.at(name[:_LONGEST_SEGMENT], f"No such parameter. {known}")
                for name in unknown
            ]
        )
    twice = [name for name in asked if len(asked.getall(name)) > 1]
    if twice:
        raise RefusedError(
            [PARAMETER.at(name, "It is given twice. Give it once.") for name in twice]
        )


def _check_utf8(query: bytes) -> None:
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise _parameter("", "The query is not UTF-8. Escape it as UTF-8 bytes.") from None


def _parameter(path: str, detail: str) -> RefusedError:
    return RefusedError([PARAMETER.at(path, detail)])


def refused(request: Caller, error: RefusedError) -> Response[bytes]:
    """Tell a refusal of ours, and count it."""
    status = status_of(error.faults)
    request.app.state.network.metrics.refused(error.faults, status, call=READ)
    if _level.isEnabledFor(logging.DEBUG):
        codes = sorted({fault.code for fault in error.faults})
        _log.debug("refused", **_named(request), status=status, codes=codes)
    headers = {"retry-after": str(error.retry_after)} if error.retry_after else {}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    if status == 405:
        verb = request.scope["path"].rpartition("/")[2]
        headers["allow"] = "POST" if verb in POSTED else "GET"
    headers["hundi-request"] = _number(request)
    return _response(problem(error.faults), status, headers)


def _unavailable(request: Caller, error: StoreError) -> Response[bytes]:
    kind = type(error).__name__
    _log.warning("store-unavailable", **_named(request), error=str(error), kind=kind)
    return refused(request, not_now(error))


def _framework(request: Caller, error: HTTPException) -> Response[bytes]:
    """What Litestar refused, with codes of ours."""
    if isinstance(error, ValidationException):
        return refused(request, RefusedError(_invalid(request, error)))
    if isinstance(error, NotFoundException):
        detail = (
            "There is no such call. /schema of a process that takes calls lists those there are."
        )
        return refused(request, RefusedError([NO_ROUTE.at("", detail)]))
    if isinstance(error, MethodNotAllowedException):
        return refused(request, RefusedError([METHOD.at("", METHOD.meaning)]))
    if error.status_code == 413:
        return refused(request, RefusedError([TOO_LARGE.at("", "The call takes no body.")]))
    if error.status_code < 500:
        return refused(request, _parameter("", "The request cannot be read. See /schema."))
    return _unexpected(request, error)


def _invalid(request: Caller, error: ValidationException) -> list[Fault]:
    """Faults under the names that the parameters have outside."""
    declared = request.route_handler.parsed_fn_signature.parameters
    found = [one for one in error.extra or () if isinstance(one, dict)]
    return [
        PARAMETER.at(
            getattr(declared[one["key"]].kwarg_definition, "name", None) or one["key"],
            f"{one['message']}. /schema tells the form.",
        )
        for one in found
        if one.get("key") in declared
    ] or [PARAMETER.at("", PARAMETER.meaning)]


def _unexpected(request: Caller, error: Exception) -> Response[bytes]:
    _log.error("unexpected", **_named(request), exc_info=error)
    faults = [INTERNAL.at("", INTERNAL.meaning)]
    request.app.state.network.metrics.refused(faults, 500, call=READ)
    return _response(problem(faults), 500, {"hundi-request": _number(request)})


def _number(request: Caller) -> str:
    """The number of this call in the log, given out when it is first asked for."""
    visits = request.app.state.network.visits
    number: str = request.state.setdefault("number", "") or visits.number()
    request.state.number = number
    return number


def _named(request: Caller) -> dict[str, object]:
    told = {"request": _number(request), "path": _readable(request.scope["path"])}
    if exchange := request.scope.get("path_params", {}).get("req_msg_id"):
        told["reqMsgId"] = _readable(exchange)
    return told | {"client": request.scope["auth"]} if request.scope.get("auth") else dict(told)


def _readable(path: str) -> str:
    """A path for the log: escapes would hide from masking what stands in it, and lines must not break."""
    plain = unquote(path, errors="replace")
    return "".join(one if one.isprintable() else "?" for one in plain)


def _response(body: bytes, status: int, headers: dict[str, str]) -> Response[bytes]:
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


HANDLERS: dict[int | type[Exception], Callable[[Any, Any], Response[bytes]]] = {
    RefusedError: refused,
    StoreError: _unavailable,
    HTTPException: _framework,
    Exception: _unexpected,
}
"""Exception handlers of the application, by type."""
