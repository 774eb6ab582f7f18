"""One write for the head of an answer and the first of its body."""

import asyncio


class Joined:
    """The transport as one answer sees it: its head goes out with the first of its body.

    Each write is a system call here and a wake-up at the other end; uvicorn makes two.
    """

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = b""

    def write(self, data: bytes) -> None:
        """Keep a head, unless it is an interim one; send all else."""
        if self._head is None:
            self._transport.write(data)
        elif self._head:
            self._transport.write(self._head + data)
            self._head = None
        elif data.startswith(b"HTTP/1.1 100 "):
            self._transport.write(data)
        else:
            self._head = data

    def is_closing(self) -> bool:
        """As the transport says."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close, after a head whose body never came."""
        if self._head:
            self._transport.write(self._head)
            self._head = None
        self._transport.close()
