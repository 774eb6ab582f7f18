"""What the operator takes from a client ends in every serving process, by the real clock."""

import time

import pytest

from hundi.cli.stage import Stage, call
from hundi.simulator import story
from tests.journeys.traders import Trader
from tests.ports import free_port

PROMISED = 5.0
CALLS = 24
"""On as many connections, so that each worker gets some."""


@pytest.mark.parametrize("command", ["revoke-tokens", "disable", "rotate-credentials"])
def test_a_token_ends_within_five_seconds(database_url: str, command: str) -> None:
    with Stage(database_url) as stage:
        address = f"http://127.0.0.1:{free_port()}"
        workers = () if database_url.startswith("sqlite") else ("--workers", "2")
        options = ("--dev", "--port", address.rpartition(":")[2], *workers)
        stage.process("network", "serve", *options).start(f"{address}/readyz")
        leaked, other = (
            Trader(stage, business, network=address, receiver=None)
            for business in (story.BUYER, story.SUPPLIER)
        )
        assert answers(address, leaked) == answers(address, other) == {200}
        stage.command("client", command, "--client", leaked.credentials["clientId"])
        began = time.monotonic()
        until = began + PROMISED
        while 200 in answers(address, leaked):
            assert began < until, "a token outlives the operator's word"
            # Of the next calls: the promise is about those that come later.
            began = time.monotonic()
        assert answers(address, leaked) == {401}
        assert answers(address, other) == {200}


def answers(address: str, trader: Trader) -> set[int]:
    headers = trader._headers()
    path = f"{address}/network/v1/endpoint"
    return {call("GET", path, headers=headers).status for _ in range(CALLS)}
