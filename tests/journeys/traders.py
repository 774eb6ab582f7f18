"""Businesses with a webhook receiver of the test's own: raw bytes in, raw bytes out, over sockets."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hundi.cli.actors import Actor
from hundi.cli.stage import Http, Process, Stage, call
from hundi.simulator import story
from hundi.simulator.story import Business
from tests.ports import free_port

ROAD = "/api/v0/purchase-order/"


@dataclass(frozen=True)
class Webhook:
    """One webhook as it came: header names in lower case, the body untouched."""

    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[[Webhook], bytes | None]
"""The raw HTTP answer to a webhook; None closes the connection without one."""


def http(status: int, body: bytes, *headers: str) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def taken(_: Webhook) -> bytes:
    """SUCCESS, whatever it was."""
    body = json.dumps({"payload": {"resp": {"result": "SUCCESS"}}}).encode()
    return http(200, body, "Content-Type: application/json")


class _Server(ThreadingHTTPServer):
    """With a queue for as many as a network may send at once: who finds none calls again a second later."""

    request_queue_size = 1024
    daemon_threads = True


class Receiver:
    """Listens on a port of its own; keeps what came and answers by `answer`, which may wait."""

    def __init__(self, answer: Answer = taken) -> None:
        self.took: list[Webhook] = []
        self.answer = answer
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                webhook = Webhook(self.path, headers, body)
                receiver.took.append(webhook)
                raw = receiver.answer(webhook)
                if raw is None:
                    self.close_connection = True
                else:
                    self.wfile.write(raw)

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    return  # the network hung up first

            def log_message(self, *_: object) -> None:
                return

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Trader(Actor):
    """A client of the network with one B2B ID, whose webhooks a `Receiver` of the test takes.

    Without a receiver it is a mailbox.
    """

    def __init__(
        self,
        stage: Stage,
        business: Business,
        *,
        network: str,
        receiver: Receiver | None,
        branch: str = "",
    ) -> None:
        self.name, self.short = business.name, business.name.split()[0]
        self.b2b_id = f"{business.pan}{branch}@BCB"
        self.receiver = receiver
        self._network = network
        self._token = ""
        where = ("--endpoint", receiver.url + "/hooks") if receiver else ("--mailbox",)
        self.credentials = stage.command("client", "add", "--name", business.name, *where)
        self._credentials = self.credentials
        stage.command(
            "party", "add", "--client", self.credentials["clientId"], "--name", business.name,
            "--pan", business.pan, "--gstin", business.gstin, "--b2b-id", self.b2b_id,
        )  # fmt: skip

    @property
    def took(self) -> list[Webhook]:
        """The webhooks that came."""
        assert self.receiver is not None
        return self.receiver.took

    def post(self, message: str, body: bytes, **headers: str) -> Http:
        """Send a message of the purchase order's."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return call(
            "POST", self._network + ROAD + message, body=body, headers=self._headers() | named
        )

    def act(self, path: str) -> Http:
        """Do something to what the network holds: `/exchanges/…/abandon`."""
        return call("POST", f"{self._network}/network/v1{path}", headers=self._headers())


@contextmanager
def network(database_url: str, *roles: str) -> Iterator[tuple[Stage, str, list[Process]]]:
    """A served network: the stage, its address, its processes. `roles` default to one for all."""
    with Stage(database_url) as stage:
        address = f"http://127.0.0.1:{free_port()}"
        processes = []
        for place, role in enumerate(roles or ("all",)):
            port = () if role == "dispatcher" else ("--port", address.rpartition(":")[2])
            process = stage.process(f"{role}{place}", "serve", "--dev", "--role", role, *port)
            process.start(f"{address}/readyz")
            processes.append(process)
        yield stage, address, processes


@contextmanager
def trading(
    stage: Stage, address: str, *businesses: Business, answer: Answer = taken
) -> Iterator[list[Trader]]:
    """Traders on a network, each with a receiver of its own."""
    receivers = [Receiver(answer) for _ in businesses]
    try:
        yield [
            Trader(stage, business, network=address, receiver=receiver)
            for business, receiver in zip(businesses, receivers, strict=True)
        ]
    finally:
        for receiver in receivers:
            receiver.close()


def order_to(supplier: Trader, place: int | str) -> bytes:
    """An order of the story's buyer to a supplier, with an objectId and number of its own."""
    body = story.order(object_id=f"PUR{place}X", number=f"N/{place}")
    body["b2bIds"]["supplierB2BId"] = supplier.b2b_id
    body["purchaseOrder"]["supplierDetails"]["b2bId"] = supplier.b2b_id
    return story.dumps(body)


def result_of(answer: Http) -> Any:
    """The `resp` block of an ack. Fails where it is no 200."""
    assert answer.status == 200, answer.body
    return answer.body["payload"]["resp"]
