"""A collector of spans over OTLP/HTTP, and what went wrong in the clear: also for `proof/`."""

import gzip
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Seen:
    """A span as it arrived; ids in hex, "" for no parent."""

    name: str
    trace: str
    span: str
    parent: str
    links: tuple[str, ...]
    attributes: dict[str, str | int | bool]
    began: int
    ended: int


@dataclass
class Collector:
    """What was sent to `url`: spans, and the very bytes of all of it."""

    url: str = ""
    spans: list[Seen] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def of(self, name: str) -> list[Seen]:
        return [span for span in self.spans if span.name == name]

    def take(self, body: bytes) -> None:
        self.raw.append(body)
        told = ExportTraceServiceRequest.FromString(body)
        for resource in told.resource_spans:
            for scope in resource.scope_spans:
                self.spans += [_seen(span) for span in scope.spans]


def _seen(span: object) -> Seen:
    return Seen(
        name=span.name,
        trace=span.trace_id.hex(),
        span=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple(link.span_id.hex() for link in span.links),
        attributes={a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes},
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
    )


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a port of its own."""
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            made.take(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


def in_clear(output: Iterable[str], kept: Iterable[str]) -> list[str]:
    """Lines that hold, in whatever case, something that must not be seen; each with what it is.

    Proof runs call it over logs, metrics and what a collector was sent.
    """
    wanted = {one.lower() for one in kept if len(one) >= 4}
    found = []
    for text in output:
        for line in text.splitlines():
            low = line.lower()
            found += [f"{one}: {line[:300]}" for one in wanted if one in low]
    return found
