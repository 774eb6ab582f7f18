"""All targets by name, with what the fuzzer begins from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import yaml

from bench import orders
from hundi.documents import MESSAGES
from hundi.exchange.cursor import cursor
from hundi.onboarding.calls import CALLS
from proof.fuzzing import bodies, words
from proof.fuzzing.streams import streams
from proof.fuzzing.tokens import tokens
from proof.ground.nasty import cases

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "data" / "fuzz"
"""Bytes that were found to break a target once, in a folder of its name."""

_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_CALL = b"POST /call HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
_FORM = b"application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Target:
    """`run` raises where a promise is broken. `longest` bounds the bytes that are tried."""

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    longest: int = 4096
    of_json: bool = False


def _examples() -> Iterator[tuple[str, bytes]]:
    """Path and body of every request that the contract shows."""
    for file in sorted((ROOT / "contract").glob("b2b-*.yaml")):
        contract = yaml.safe_load(file.read_text(encoding="utf-8"))
        shown = contract.get("components", {}).get("examples", {})
        for path, calls in contract["paths"].items():
            content = calls.get("post", {}).get("requestBody", {}).get("content", {})
            for example in content.get("application/json", {}).get("examples", {}).values():
                name = example.get("$ref", "").rpartition("/")[2]
                yield path, msgspec.json.encode(shown.get(name, example)["value"])


def _whole_bodies() -> Iterator[bytes]:
    order = orders.send()
    yield order
    yield from (body for _, body in _examples())
    yield from (case.body for case in cases(order, step=200) if len(case.body) < _JSON_LONGEST)


def _typed_bodies() -> Iterator[bytes]:
    kinds = {one.path: one.body for one in MESSAGES} | {one.path: one.body for one in CALLS}
    for path, body in _examples():
        if path in kinds:
            yield bytes([bodies.BODIES.index(kinds[path])]) + body


def _lines(*lines: str | bytes) -> bytes:
    return b"\n".join(one.encode() if isinstance(one, str) else one for one in lines)


def _forms() -> Iterator[bytes]:
    grant = b"grant_type=client_credentials"
    yield _lines(b"Basic {proof}", _FORM, grant)
    yield _lines(b"basic  {proof}", _FORM + b"; charset=utf-8", grant + b"&clientId=%43EK")
    yield _lines(b"Basic QTpC", _FORM, b"grant_type=refresh_token&refresh_token=a")
    yield _lines(b"Bearer {proof}", _FORM, b"clientId=a&username=b&password=c&grant_type=password")


def _streams() -> Iterator[bytes]:
    chunked = _CALL.split(b"Content")[0] + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    for stream in (
        _CALL, _CALL + _CALL, chunked + _CALL, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + _CALL,
        _CALL.replace(b"Host", b"Expect: 100-continue\r\nHost"), b"HEAD /a HTTP/1.0\r\n\r\n",
        _CALL.replace(b"Host", b"Connection: close\r\nHost"),
        _CALL.replace(b"Host", b"Upgrade: h2c\r\nConnection: Upgrade\r\nHost"),
    ):  # fmt: skip
        yield from (bytes([step]) + stream for step in (1, 7, 50, 255))


def _seeds(*texts: str | bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: (one.encode() if isinstance(one, str) else one for one in texts)


_JSON_LONGEST = 32 * 1024

TARGETS: tuple[Target, ...] = (
    Target("json", bodies.parsed, _whole_bodies, longest=_JSON_LONGEST, of_json=True),
    Target("bodies", bodies.body, _typed_bodies, longest=_JSON_LONGEST, of_json=True),
    Target("tokens", tokens, _forms),
    Target("streams", streams, _streams),
    Target(
        "signatures",
        words.signature,
        _seeds(words.SIGNED + '\n{"a":1}', words.SIGNED.replace("v1", "v2") + " v1,a=\n{}"),
    ),
    Target("secrets", words.signing_secret, _seeds(words.SECRET, "whsec_", "whsec_QUJD")),
    Target(
        "cursors",
        words.cursors,
        _seeds(*(f"{name}\n{cursor(name, *key)}" for name, key in words.LISTS.items())),
    ),
    Target(
        "checkpoints", words.checkpoints, _seeds(words.CHECKPOINTS + "\n", words.CHECKPOINTS[:200])
    ),
    Target("sealed", words.sealed, _seeds(words.SEALED, "sealed1.", "hsk_" + "A" * 43)),
    Target(
        "heads",
        words.heads,
        _seeds(
            _lines("application/json; charset=utf-8", "identity", _TRACE),
            _lines('application/json;charset="utf-16"', "gzip", _TRACE.replace("00-4", "cc-4") + "-x"),
        ),
    ),
    Target("retry-after", words.retry_after, _seeds("120", words.DATE, "Thu, 01 Jan 1970 00:00:00")),
    Target(
        "urls",
        words.urls,
        _seeds("https://erp.example.com/hundi", "https://[::1]:8443/a", "https://0x7f.1/", "https://a@b/"),
    ),
)  # fmt: skip
BY_NAME = {one.name: one for one in TARGETS}
