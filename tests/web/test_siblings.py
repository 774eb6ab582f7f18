"""Metrics of several processes on one page: a series each, a family once, the silent ones told."""

import secrets
import socket

from hundi.store.ran import Ran
from hundi.web import siblings
from hundi.web.metrics import ACCEPT, Metrics
from hundi.web.siblings import Siblings
from tests.exchange.scene import Scene


def listening() -> tuple[socket.socket, str]:
    asked = socket.socket(socket.AF_UNIX)
    asked.bind(f"\0hundi-test-{secrets.token_hex(8)}")
    asked.listen()
    asked.settimeout(0)
    return asked, asked.getsockname().decode()


def batch(*, of: int) -> Ran[int]:
    return Ran(range(of), [1.0] * of, began=2, ended=2.02, outcomes=[None] * of)


async def test_every_series_says_whose_it_is(stage: Scene, monkeypatch) -> None:
    monkeypatch.setattr(siblings, "PATIENCE_SECONDS", 30)
    one, two = Metrics(stage.database), Metrics(stage.database)
    (asked_one, at_one), (asked_two, at_two), (silent, nowhere) = (listening() for _ in range(3))
    one.committed(ACCEPT, batch(of=3))
    two.committed(ACCEPT, batch(of=5))
    two.committed(ACCEPT, batch(of=7))
    others = {"api-2": at_two, "dispatcher": nowhere}
    first = Siblings("api-1", listening=asked_one, others=others)
    second = Siblings("api-2", listening=asked_two, others={"api-1": at_one})

    def tells() -> bytes:
        silent.close()  # it has been asked at the same time, and goes without a word
        return two.own()

    server = await second.tell(tells)
    one.beside(first)
    told = (await one.exposition()).decode()
    server.close()
    for one_socket in (asked_one, asked_two):
        one_socket.close()
    assert 'hundi_batch_size_sum{worker="api-1"} 3.0' in told
    assert 'hundi_batch_size_sum{worker="api-2"} 12.0' in told
    assert 'hundi_batch_size_bucket{le="4.0",worker="api-2"} 0.0' in told
    assert told.count("# TYPE hundi_batch_size histogram") == 1
    assert 'hundi_worker_up{worker="api-2"} 1.0' in told
    assert 'hundi_worker_up{worker="dispatcher"} 0.0' in told
    assert 'process_resident_memory_bytes{worker="api-1"}' in told
    assert "hundi_exchanges_open 0.0" in told, "what the database tells is nobody's own"


async def test_who_says_nothing_is_not_waited_for(stage: Scene, monkeypatch) -> None:
    monkeypatch.setattr(siblings, "PATIENCE_SECONDS", 0.05)
    (asked, _), (silent, nowhere) = listening(), listening()
    it = Siblings("api-1", listening=asked, others={"dispatcher": nowhere})
    told = (await it.exposition(Metrics(stage.database).own())).decode()
    for one in (asked, silent):
        one.close()
    assert 'hundi_worker_up{worker="api-1"} 1.0' in told
    assert 'hundi_worker_up{worker="dispatcher"} 0.0' in told
