"""Several processes over one PostgreSQL: killed, restarted, orphaned; callers notice little of it."""

import os
import pathlib
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hundi.cli.stage import Process, Stage, call
from hundi.delivery.breaker import CONCURRENCY, SWIFT_TIMES
from hundi.simulator import story
from tests.journeys.crowd import CALLERS, Crowd, calling, doubled, settled, workers_of
from tests.journeys.traders import network, order_to, result_of, trading
from tests.ports import free_port
from tests.until import until_seen

IN_FLIGHT = CONCURRENCY * SWIFT_TIMES
"""Attempts that one dispatcher may have under way at one endpoint when it is killed."""


_LOOKS_SELDOM = """
import sys
from hundi.delivery import dispatch_loop
from hundi.main import main
dispatch_loop.IDLE_SECONDS = 600
sys.exit(main())
"""


@contextmanager
def supervised(
    database_url: str, *options: str, program: str = ""
) -> Iterator[tuple[Stage, int, int]]:
    """`hundi serve --workers 2`, or a program in its place: the stage, its port, the parent's process."""
    with Stage(database_url) as stage:
        port = free_port()
        parent = stage.process("parent", "serve", "--dev", "--port", str(port), *options)
        if program:
            parent._arguments[1:3] = ["-c", program]
        parent.start(f"http://127.0.0.1:{port}/readyz")
        number = number_of(parent)
        # The first that serves may be there before the last.
        until_seen(lambda: len(workers_of(number)) == 3)
        yield stage, port, number


@contextmanager
def crowded(stage: Stage, ports: list[int]) -> Iterator[Crowd]:
    with (
        trading(stage, f"http://127.0.0.1:{ports[0]}", story.BUYER, story.SUPPLIER) as traders,
        calling(*traders, ports) as crowd,
    ):
        crowd.busy(5)
        yield crowd


def number_of(process: Process) -> int:
    assert process._process is not None
    return process._process.pid


def has_come_back(parent: int, victim: int, before: list[int]) -> None:
    """Another worker has its place: till its parent looks, one that has ended is among them still."""
    until_seen(lambda: victim not in workers_of(parent))
    until_seen(lambda: len(workers_of(parent)) == len(before))


def test_any_worker_may_be_killed(postgres_url: str) -> None:
    chance = random.Random(5)
    with supervised(postgres_url, "--workers", "2") as (stage, port, parent):
        with crowded(stage, [port]) as crowd:
            before = workers_of(parent)
            for victim in chance.sample(before, 3):
                os.kill(victim, signal.SIGKILL)
                crowd.busy(10)
                has_come_back(parent, victim, before)
            assert not set(workers_of(parent)) & set(before)
            crowd.rest()
            settled(crowd, postgres_url)
        assert crowd.errors == []
        assert crowd.refused == 0, "the parent's sockets take everyone"
        assert len(crowd.cut) <= 2 * CALLERS
        assert doubled(crowd.supplier) + doubled(crowd.buyer) <= 2 * IN_FLIGHT


def test_two_of_each_on_their_own_and_any_may_be_killed(postgres_url: str) -> None:
    with network(postgres_url, "api", "dispatcher", "dispatcher") as (stage, address, processes):
        first, second = int(address.rpartition(":")[2]), free_port()
        other = stage.process("other", "serve", "--dev", "--role", "api", "--port", str(second))
        other.start(f"http://127.0.0.1:{second}/readyz")
        with crowded(stage, [first, second]) as crowd:
            api, left, _ = processes
            for victim, ready in ((api, second), (left, first), (other, first)):
                victim.kill()
                crowd.busy(10)
                own = {id(api): first, id(other): second}.get(id(victim), ready)
                victim.start(f"http://127.0.0.1:{own}/readyz")
            crowd.rest()
            settled(crowd, postgres_url)
        assert crowd.errors == []
        assert len(crowd.cut) <= 2 * CALLERS
        assert doubled(crowd.supplier) + doubled(crowd.buyer) <= 2 * IN_FLIGHT


def test_a_rolling_restart_is_not_noticed(postgres_url: str) -> None:
    with supervised(postgres_url, "--workers", "2") as (stage, port, parent):
        with crowded(stage, [port]) as crowd:
            before = workers_of(parent)
            for worker in before:
                os.kill(worker, signal.SIGTERM)
                has_come_back(parent, worker, before)
                crowd.busy(10)
            crowd.rest()
            settled(crowd, postgres_url, killed=False)
        assert (crowd.errors, crowd.cut, crowd.refused) == ([], [], 0)
        assert doubled(crowd.supplier) + doubled(crowd.buyer) == 0


def test_a_rolling_restart_of_processes_on_their_own(postgres_url: str) -> None:
    with network(postgres_url, "api", "dispatcher") as (stage, address, [api, dispatcher]):
        first, second = int(address.rpartition(":")[2]), free_port()
        other = stage.process("other", "serve", "--dev", "--role", "api", "--port", str(second))
        other.start(f"http://127.0.0.1:{second}/readyz")
        with crowded(stage, [first, second]) as crowd:
            for process, port in ((api, first), (dispatcher, first)):
                process.stop()
                crowd.busy(10)
                process.start(f"http://127.0.0.1:{port}/readyz")
            crowd.rest()
            settled(crowd, postgres_url, killed=False)
        assert (crowd.errors, crowd.cut) == ([], [])
        assert doubled(crowd.supplier) + doubled(crowd.buyer) == 0


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(postgres_url: str, sign: signal.Signals) -> None:
    with (
        supervised(postgres_url, "--workers", "2") as (stage, port, parent),
        crowded(stage, [port]) as crowd,
    ):
        workers = workers_of(parent)
        os.kill(parent, sign)
        until_seen(lambda: not any(map(alive, workers)))
        crowd.given_up.set()
        crowd.rest()
        with pytest.raises(OSError, match="refused"):
            call("GET", f"http://127.0.0.1:{port}/healthz")
        assert (crowd.errors, crowd.cut) == ([], [])
        again = stage.process("again", "serve", "--dev", "--port", str(port))
        again.start(f"http://127.0.0.1:{port}/readyz")
        settled(crowd, postgres_url)


def alive(process: int) -> bool:
    """Whether it runs; one that has ended and waits to be asked how does not."""
    try:
        with pathlib.Path(f"/proc/{process}/stat").open() as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def told_by_all(port: int) -> str:
    """The metrics behind a port, once no worker is left out: each has a second to tell its own."""
    found: list[str] = []

    def told() -> bool:
        found[:] = [call("GET", f"http://127.0.0.1:{port}/metrics").body]
        workers = ("api-1", "api-2", "dispatcher")
        series = series_of(found[0])
        return all(series.get(f'hundi_worker_up{{worker="{one}"}}') == "1.0" for one in workers)

    until_seen(told)
    return found[0]


def series_of(told: str) -> dict[str, str]:
    return dict(line.rsplit(" ", 1) for line in told.splitlines() if line[0] != "#")


def acks_of(told: str) -> dict[str, float]:
    """How many each worker has acknowledged, by its label; a repeat of one is none."""
    found = series_of(told).items()
    acks: Counter[str] = Counter()
    for name, value in found:
        if name.startswith("hundi_acks_total") and "REPLAYED" not in name:
            acks[name.partition('worker="')[2].partition('"')[0]] += float(value)
    return acks


def test_one_port_tells_what_all_workers_count(postgres_url: str) -> None:
    with supervised(postgres_url, "--workers", "2") as (stage, port, _):
        with crowded(stage, [port]) as crowd:
            crowd.busy(20)
            until_seen(lambda: len(acks_of(told_by_all(port))) == 2)  # each has taken some
            crowd.rest()
            settled(crowd, postgres_url, killed=False)
        told = told_by_all(port)
        series = series_of(told)
        assert sum(acks_of(told).values()) == len(crowd.acks)
        sent = 'hundi_deliveries_total{kind="REQ",outcome="SETTLED",worker="dispatcher"}'
        assert float(series[sent]) == len(crowd.acks)
        assert told.count("# TYPE hundi_acks_total counter") == 1


def test_a_dispatcher_hears_of_it_at_once(postgres_url: str) -> None:
    """Not at its next look, which is ten minutes away here."""
    with supervised(postgres_url, "--workers", "2", program=_LOOKS_SELDOM) as (stage, port, _):
        address = f"http://127.0.0.1:{port}"
        with trading(stage, address, story.BUYER, story.SUPPLIER) as (buyer, supplier):
            for place in range(4):
                # What the one before has led to is written down, and leads to no look.
                time.sleep(0.3)
                took = len(supplier.took)
                result_of(buyer.post("req-send", order_to(supplier, place)))
                until_seen(lambda before=took: len(supplier.took) > before)


def test_nonsense_is_a_sentence(postgres_url: str, sqlite_url: str) -> None:
    from tests.cli.commands import hundi

    for url, count, says in (
        (sqlite_url, "2", "HUNDI_DATABASE_URL to a PostgreSQL"),
        (postgres_url, "0", "--workers"),
        (postgres_url, "65", "--workers"),
        (postgres_url, "many", "--workers"),
    ):
        told = hundi("serve", "--port", "0", "--workers", count, url=url)
        assert told.returncode == 2
        assert says in told.stderr
        assert "Traceback" not in told.stderr


@pytest.mark.parametrize("role", ["all", "api", "dispatcher"])
def test_a_wrong_gateway_is_told_before_any_worker_starts(postgres_url: str, role: str) -> None:
    """The workers would end of it again and again, and the parent would say that Hundi serves."""
    from tests.cli.commands import hundi

    options = ("--dev", "--port", "0", "--role", role, "--workers", "2")
    told = hundi("serve", *options, url=postgres_url, HUNDI_CONTACT_RAIL="ftp://gateway.example")
    assert (told.returncode, told.stdout) == (2, "")
    assert "HUNDI_CONTACT_RAIL is no URL" in told.stderr
    assert "worker" not in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["alone", "two"])
def test_a_dispatcher_tells_what_it_sends(postgres_url: str, options: tuple[str, ...]) -> None:
    """Where the API has processes of its own, nobody else could."""
    with network(postgres_url, "api") as (stage, address, _):
        own = f"http://127.0.0.1:{free_port()}"
        role = ("--role", "dispatcher", "--port", own.rpartition(":")[2], *options)
        stage.process("dispatcher", "serve", "--dev", *role).start(f"{own}/readyz")
        with trading(stage, address, story.BUYER, story.SUPPLIER) as (buyer, supplier):
            result_of(buyer.post("req-send", order_to(supplier, "told")))
            until_seen(lambda: buyer.took)
        until_seen(lambda: sent(own) == 1)
        assert sent(address) == 0
        assert call("GET", f"{own}/healthz").status == 200
        assert call("GET", f"{own}/network/v1/documents").status == 404
        assert call("POST", f"{own}/api/v0/purchase-order/req-send", body=b"{}").status == 404


def sent(address: str) -> float:
    told = call("GET", f"{address}/metrics").body
    series = [line.rsplit(" ", 1) for line in told.splitlines() if line[0] != "#"]
    settled = 'hundi_deliveries_total{kind="REQ",outcome="SETTLED"'
    return sum(float(value) for name, value in series if name.startswith(settled))
