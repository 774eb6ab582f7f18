"""Ports for servers that are started later, in processes of their own."""

import socket

_kept: list[socket.socket] = []


def free_port() -> int:
    """A loopback port that the system gives to nobody else as long as this process lives.

    It is bound and nobody listens: who calls it is refused, and a server that asks for this very port
    gets it, since each lets the other reuse the address.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    _kept.append(kept)
    port: int = kept.getsockname()[1]
    return port
