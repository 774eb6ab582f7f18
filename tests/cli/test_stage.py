"""The call that the demo and the journeys share."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hundi.cli.stage import call


class _Proxy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<h1>Bad gateway</h1>"
        self.send_response(502)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def proxy() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_an_answer_that_is_not_json_is_told_as_text(proxy: str) -> None:
    answer = call("GET", proxy)
    assert (answer.status, answer.body) == (502, "<h1>Bad gateway</h1>")
