"""Checkpoints in a file, to be kept where the database's keeper cannot reach them.

One JSON value a line: each checkpoint, then its heads in their order.
"""

from collections.abc import Iterator
from typing import BinaryIO, TypeVar

import msgspec

from hundi.exchange.journal import GENESIS
from hundi.exchange.sealing.checkpoint import Checkpoint, Head, closed, folded
from hundi.exchange.sealing.store import checkpoints, heads_of
from hundi.store.engine import Transaction

T = TypeVar("T")
LONGEST_LINE = 64 * 1024
TOGETHER = 500

_CHECKPOINT = msgspec.json.Decoder(Checkpoint)
_HEAD = msgspec.json.Decoder(Head)


class NoCheckpointsError(ValueError):
    """The file does not hold checkpoints; the message names the line."""


async def write_checkpoints(tx: Transaction, out: BinaryIO) -> int:
    """Write all checkpoints with their heads; how many checkpoints."""
    count = 0
    async for one in checkpoints(tx):
        count += 1
        out.write(msgspec.json.encode(one) + b"\n")
        async for heads in heads_of(tx, one.number):
            out.writelines(msgspec.json.encode(head) + b"\n" for head in heads)
    return count


def read_checkpoints(source: BinaryIO) -> Iterator[tuple[Checkpoint, list[Head], str | None]]:
    """Each checkpoint with its heads, some hundreds at a time; the last part says what is wrong with it.

    Wrong means that what it says it covers is not what stands there; its signature is the caller's to
    judge. Raises NoCheckpointsError for a line that is none, and for a file that has none.
    """
    lines = _Lines(source)
    digest, expected = GENESIS, 1
    line = lines.next()
    if line is None:
        raise NoCheckpointsError("line 1 is missing: it holds no checkpoints")
    while line is not None:
        one = lines.read(line, _CHECKPOINT)
        left = one.heads
        while left > 0:
            heads = [lines.head() for _ in range(min(left, TOGETHER))]
            digest, left = folded(digest, heads), left - len(heads)
            yield one, heads, None
        whole = closed(digest, number=one.number, at=one.at, heads=one.heads)
        trouble = None if whole.hex() == one.digest else "its digest is not that of its heads"
        if one.number != expected:
            trouble = f"checkpoint {expected} is missing before it"
        yield one, [], trouble
        digest, expected = whole, one.number + 1
        line = lines.next()


class _Lines:
    """The lines of a file, counted."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._number = 0

    def next(self) -> bytes | None:
        """The next line, None at the end."""
        self._number += 1
        return self._source.readline(LONGEST_LINE) or None

    def head(self) -> Head:
        """The next line as a head."""
        return self.read(self.next() or b"", _HEAD)

    def read(self, line: bytes, decoder: msgspec.json.Decoder[T]) -> T:
        """A line's value."""
        try:
            value = decoder.decode(line)
            if isinstance(value, Head):
                bytes.fromhex(value.hash)
        except (msgspec.DecodeError, ValueError) as error:
            message = f"line {self._number} is not of a file that `hundi journal checkpoint` writes"
            raise NoCheckpointsError(message) from error
        return value
