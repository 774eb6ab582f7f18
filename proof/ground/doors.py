"""Endpoints over plain sockets and TLS, a door for each manner of answering and kind of webhook."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.server import free_port
from proof.ground.manners import MANNERS, OK
from tests.delivery.receiver import CERTIFICATES, Receiver, certified, receiving, response

TRUSTED = ("localhost", "elsewhere", "expired")


@dataclass(slots=True)
class Doors:
    """Every endpoint. The first time that a webhook comes it gets its door's manner, then a good one."""

    trapped: int = 0
    seen: set[str] = field(default_factory=set)

    async def behave(self, receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        """Answer by the door's name, which is the first part of the path: `p-empty`."""
        request = receiver.requests.pop()
        path = request.line.split(" ")[1]
        if path == "/trap":
            self.trapped += 1
        [webhook] = request.header("webhook-id") or [""]
        kind, _, case = path.split("/")[1].partition("-")
        first = webhook not in self.seen
        self.seen.add(webhook)
        if kind == "f" and path.endswith("req-send"):
            writer.write(response("500 Not yet"))  # so that its cancellation is a fact that travels
        elif first and self._applies(kind, path) and (manner := MANNERS[case]).behave is not None:
            await manner.behave(receiver, writer)
        else:
            writer.write(OK)

    def _applies(self, kind: str, path: str) -> bool:
        return kind == "r" or "/req-" in path


@asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[tuple[Doors, dict[str, str]]]:
    """The doors, and the base URL of each special case; `""` is that of all others."""
    doors = Doors()
    unknown = folder / "unknown.pem"
    _self_signed(unknown)
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(receiving(doors.behave))
        bases = {"": plain.url}
        for case, certificate in (
            ("tls-good", certified("localhost")), ("tls-expired", certified("expired")),
            ("tls-elsewhere", certified("elsewhere")), ("tls-unknown", _server(unknown)),
        ):  # fmt: skip
            tls = await stack.enter_async_context(receiving(doors.behave, tls=certificate))
            bases[case] = f"https://127.0.0.1:{tls.port}"
        for case, behave in (("tls-silent", _say_nothing), ("tls-plain", _say_no)):
            server = await asyncio.start_server(behave, "127.0.0.1", 0)
            stack.callback(server.close)
            bases[case] = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        bases["dns"] = "http://no-such-name.invalid"
        bases["closed-port"] = f"http://127.0.0.1:{free_port()}"
        yield doors, bases


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _say_no(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a server without TLS does whatever comes."""
    await reader.read(1)
    writer.write(response("400 Bad Request"))
    writer.close()


def _self_signed(path: Path) -> None:
    """A certificate for this address that nobody has been told to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))


def _server(path: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


def bundle(folder: Path) -> Path:
    """What the server is to trust: of each certificate, the part that is public."""
    path = folder / "trusted.pem"
    texts = [(CERTIFICATES / f"{name}.pem").read_text() for name in TRUSTED]
    path.write_text("".join(text[text.index("-----BEGIN CERTIFICATE") :] for text in texts))
    return path
