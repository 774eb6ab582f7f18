"""Bodies that no strict reader may take, made of an order that it does take."""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_MEMBER = re.compile(rb'\{"(\w)(\w*)": ')
_PRICE = b"4.25"
_TEXT = b"Plastic yarn cones, November"


@dataclass(frozen=True, slots=True)
class Case:
    """A body under a name. `head` are further header lines; `framing` replaces the content length.

    `silent` where what follows the body is no request: the connection may end before the answer.
    """

    name: str
    body: bytes
    head: str = ""
    framing: str | None = None
    kind: str = "application/json"
    silent: bool = False


def cases(order: bytes, *, step: int) -> Iterator[Case]:
    """Every case; the order is cut off after every `step` bytes."""
    yield from _doubled(order)
    yield from (Case(f"cut off after {n} bytes", order[:n]) for n in range(0, len(order), step))
    yield from _numbers(order)
    yield from _texts(order)
    yield from _encodings(order)
    yield from _grammar(order)
    yield from _large(order)
    yield from _http(order)


def _doubled(order: bytes) -> Iterator[Case]:
    """The first member of every object given twice, in four spellings."""
    for found in _MEMBER.finditer(order):
        first, rest = found[1], found[2]
        place = found.start() + 1
        code = f"{ord(first):04x}".encode()
        for spelled in (first, b"\\u" + code, b"\\u" + code.upper()):
            for value in (b"null", b'"other"'):
                twice = b'"%b%b": %b, ' % (spelled, rest, value)
                where = f"{(first + rest).decode()} at {place}"
                yield Case(f"twice: {where}, {twice!r}", order[:place] + twice + order[place:])


def _numbers(order: bytes) -> Iterator[Case]:
    """The unit price written so that parsers differ, or beyond every limit."""
    for number in (
        "1e400", "-1e400", "1E+999999999", "1e-999999999", "9" * 21, "9" * 400, "9" * 100_000,
        "0." + "1" * 400, "NaN", "Infinity", "-Infinity", "+1", "01", "-01", "1.", ".5", "-", "1e",
        "1e+", "0x10", "1_000", "1,5", "1.5.5", "--1", "1 2", "\uff11", "1n", "nan", "True", "None",
        "1e21", "1e-13", "123456789012345678901.5", "1/*x*/", "'1'", '"4.25"', "[4.25]", "null",
    ):  # fmt: skip
        yield Case(f"number {number[:20]}", order.replace(_PRICE, number.encode(), 1))


def _texts(order: bytes) -> Iterator[Case]:
    """The subject with characters that are none, or are none in JSON."""
    for text in (
        b"\\ud800", b"\\udfff", b"\\ud800\\ud800", b"\\udc00\\ud800", b"\\ud83dx", b"\\u0000",
        b"\x00", b"\n", b"\r", b"\t", b"\x01", b"\x1f", b"\\x41", b"\\'", b"\\a", b"\\u12", b"\\u",
        b"\\uD83D\\u00", b"\\U0001F600", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"\x80", b"\\", b"\\u+123", b"\\u 123", b"\\u00g0",
    ):  # fmt: skip
        yield Case(f"text {text!r}", order.replace(_TEXT, text, 1))


def _encodings(order: bytes) -> Iterator[Case]:
    text = order.decode()
    for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-7"):
        yield Case(f"in {name}", text.replace("Plastic", "Pl\u00e4stic").encode(name))
    for name in ("utf-8-sig", "latin-1", "cp037"):
        yield Case(f"in {name}", text.replace("Plastic", "Pl\u00e4stic").encode(name))


def _grammar(order: bytes) -> Iterator[Case]:
    inner = order[1:-1]
    for name, body in {
        "empty": b"", "blanks": b" \n\t ", "null": b"null", "a list": b"[" + order + b"]",
        "a text": json.dumps(order.decode()).encode(), "a number": b"1", "twice": order + order,
        "with a comma": order + b",", "with a brace": order + b"}", "with a letter": order + b"x",
        "with a NUL": order + b"\x00", "after a NUL": b"\x00" + order, "after a letter": b"x" + order,
        "a comma too many": b"{" + inner + b",}", "a comma at first": b"{," + inner + b"}",
        "a comment": b"{/*x*/" + inner + b"}", "a line comment": order + b"//x", "a hash": order + b"#x",
        "single quotes": order.replace(b'"', b"'"), "a bare name": order.replace(b'"device"', b"device"),
        "an equals sign": order.replace(b": ", b"= ", 1), "semicolons": order.replace(b", ", b"; "),
        "no colon": order.replace(b": ", b" ", 1), "a vertical tab": b"\x0b" + order,
        "a no-break space": b"\xc2\xa0" + order, "a line separator": b"\xe2\x80\xa8" + order,
        "unclosed": order[:-1], "closed otherwise": order[:-1] + b"]",
        "a name that is a number": b"{1:2," + inner + b"}", "a name that is null": b"{null:2," + inner + b"}",
        "xml": b"<order/>", "a guard": b")]}'," + order,
    }.items():  # fmt: skip
        yield Case(name, body)


def _large(order: bytes) -> Iterator[Case]:
    """As large as a body may be, and larger."""
    deep = order[:-1] + b', "x": '
    for depth in (33, 1_000, 100_000, 500_000):
        yield Case(f"{depth} lists", b"[" * depth + b"]" * depth)
        yield Case(f"{depth} lists unclosed", b"[" * depth)
        yield Case(f"{depth} objects", (b'{"a":' * depth + b"1" + b"}" * depth)[:1_048_000])
        yield Case(f"{depth} lists in it", (deep + b"[" * depth + b"]" * depth + b"}")[:1_048_000])
    yield Case("a text of a megabyte", order.replace(_TEXT, b"x" * 1_000_000))
    yield Case("a text of two megabytes", order.replace(_TEXT, b"x" * 2_000_000))
    yield Case("a name of a megabyte", b'{"' + b"x" * 1_000_000 + b'":1}')
    yield Case("half a million values", b'{"a":[' + b"1," * 500_000 + b"1]}")
    yield Case("a million values", b'{"a":[' + b"1," * 1_000_000 + b"1]}")
    yield Case("many members", b"{" + b",".join(b'"%d":1' % n for n in range(90_000)) + b"}")
    yield Case("many equal members", b"{" + b",".join([b'"a":1'] * 90_000) + b"}")
    yield Case("a megabyte of escapes", order.replace(_TEXT, b"\\u0061" * 170_000))
    yield Case("a megabyte of quotes", b'"' * 1_000_000)
    yield Case("a megabyte of backslashes", b'{"a":"' + b"\\" * 1_000_001)


def _http(order: bytes) -> Iterator[Case]:
    """Bodies that are packed, framed or named so that two readers see two of them."""
    half = len(order) // 2
    yield Case("gzip", gzip.compress(order), "content-encoding: gzip\r\n")
    yield Case("a bomb", gzip.compress(b" " * 50_000_000), "content-encoding: gzip\r\n")
    yield Case("deflate", zlib.compress(order), "content-encoding: deflate\r\n")
    yield Case("said to be gzip", order, "content-encoding: gzip\r\n")
    yield Case("said to be br", order, "content-encoding: br\r\n")
    yield Case("gzip without a word", gzip.compress(order))
    yield Case("two encodings", order, "content-encoding: identity, gzip\r\n")
    for kind in ("text/plain", "application/xml", "multipart/form-data", "application/jsonx",
                 "application/x-www-form-urlencoded", "application/json; charset=utf-16"):  # fmt: skip
        yield Case(f"as {kind}", order, kind=kind)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n"
    both = f"content-length: {len(order)}\r\ntransfer-encoding: chunked\r\n"
    yield Case("a length and chunks", chunks % (len(order), order), framing=both)
    two = f"content-length: {len(order)}\r\ncontent-length: {half}\r\n"
    yield Case("two lengths", order, framing=two)
    yield Case(
        "a length that is too short", order, framing=f"content-length: {half}\r\n", silent=True
    )
    for length in ("-1", "+10", "0x10", "1e3", "ten", "1, 2", "99999999999999999999"):
        yield Case(f"length {length}", order, framing=f"content-length: {length}\r\n")
    chunked = "transfer-encoding: chunked\r\n"
    for size in ("-1", "g", "ffffffffffffffffff", "0x10"):
        yield Case(f"a chunk of {size}", size.encode() + b"\r\n" + order, framing=chunked)
    yield Case("chunks of half", chunks % (half, order[:half]), framing=chunked)
    yield Case("unknown coding", order, framing="transfer-encoding: gzip, chunked\r\n")
    yield Case("two codings", chunks % (len(order), order),
               framing="transfer-encoding: chunked, identity\r\n")  # fmt: skip
