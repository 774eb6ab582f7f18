"""What no description lists: unknown paths, methods, content types and encodings."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from proof.ground.describing import Ground

STRANGE = (
    "/", "/api", "/api/", "/api/v0", "/api/v0/", "/api/v0/nothing", "/api/v1/purchase-order/req-send",
    "/api/v0/purchase-order/req-send/", "/api/v0/purchase-order//req-send",
    "/api/v0/purchase-order/%2e%2e/req-send", "/api/v0/purchase-order/req-send;v=1", "/network",
    "/network/v1", "/network/v1/", "/network/v2/documents",
    "/network/v1/documents/a/b/c/d", "/network/v1/%00", "/network/v1/exchanges/", "/oauth", "/oauth/",
    "/oauth/token/", "/healthz/x", "/schema/x", "/metrics/x", "/favicon.ico", "/.well-known/x", "/%ff",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "QUERY", "TRACE", "PROPFIND")
TYPES = (
    "", "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
    "application/json; charset=utf-16", "application/jsonx", "json", "*/*", "application/ json",
)  # fmt: skip
_JSON = "application/json"
_PROBLEM = "application/problem+json"


class Doorstep:
    """Tries them. `wrong` are sentences about answers that are not of the described kind."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.tried = 0
        self.wrong: list[str] = []

    async def visit(self) -> None:
        """Everything, one after the other, as the buyer."""
        headers = {"authorization": "Bearer buyer-token"}
        async with httpx.AsyncClient(base_url=self._ground.base, headers=headers) as calls:
            for method, path, more, wanted in self._asked():
                self.tried += 1
                body = b"{}" if more else None
                answer = await calls.request(method, path, headers=more, content=body)
                why = self._faulty(answer, path, wanted)
                if why:
                    self.wrong.append(f"{method} {path} {dict(more)}: {why}: {answer.text[:200]}")

    def _asked(self) -> Iterator[tuple[str, str, Mapping[str, str], set[int]]]:
        for path in STRANGE:
            for method in METHODS:
                yield method, path, {}, {404, 405, 400}
        for path, offered in self._ground.description["paths"].items():
            filled = path.replace("{", "").replace("}", "")
            allowed = {name.upper() for name in offered}
            for method in METHODS:
                if method not in allowed:
                    yield method, filled, {}, {405} if method != "OPTIONS" else {204, 405}
            if "requestBody" in offered.get("post", {}) and path != "/oauth/token":
                for kind in TYPES:
                    yield "POST", filled, {"content-type": kind}, {415}

    def _faulty(self, answer: httpx.Response, path: str, wanted: set[int]) -> str:
        if answer.status_code not in wanted:
            return f"{answer.status_code}, not one of {sorted(wanted)}"
        if answer.status_code == 405 and not answer.headers.get("allow"):
            return "no Allow"
        if answer.status_code == 204 or answer.request.method == "HEAD":
            return ""
        return self._misshapen(answer, path)

    def _misshapen(self, answer: httpx.Response, path: str) -> str:
        kind, name = (
            (_JSON, "ErrorEnvelope") if path.startswith("/api/") else (_PROBLEM, "NetworkProblem")
        )
        if path == "/oauth/token":
            kind, name = _JSON, "TokenError"
        if answer.headers.get("content-type", "").partition(";")[0] != kind:
            return f"content type {answer.headers.get('content-type')}, not {kind}"
        whole: dict[str, Any] = {**self._ground.description, "$ref": f"#/components/schemas/{name}"}
        errors = list(Draft202012Validator(whole).iter_errors(answer.json()))
        return errors[0].message if errors else ""
