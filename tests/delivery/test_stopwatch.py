"""Where an attempt's time goes, on real sockets, and that looking changes nothing."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest

from hundi.delivery import stopwatch
from hundi.delivery.egress import EgressGuard
from hundi.delivery.stopwatch import Stopwatch
from hundi.delivery.wire import HttpWire
from tests.delivery.receiver import PATIENT, certified, receiving, says, trusting
from tests.delivery.test_wire import NOW, OK, PARCEL, endpoint
from tests.delivery.test_wire_connecting import addressed

GUARD = EgressGuard.for_mode(dev=True)
CONTEXT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def laps_of(wire: HttpWire, url: str) -> tuple[int | str | None, dict[str, float]]:
    """Status or error of one attempt, and the seconds of its parts."""
    watch = Stopwatch()
    answer = await wire.post(endpoint(url), PARCEL, now=NOW, watch=watch)
    found = list(watch.laps())
    assert all(earlier[2] <= later[1] for earlier, later in pairwise(found))
    return answer.status or answer.error, {name: end - began for name, began, end in found}


async def test_name_connection_tls_and_receiver_are_told_apart() -> None:
    wire = HttpWire(
        GUARD,
        deadline=PATIENT,
        resolver=addressed("127.0.0.1"),
        tls=trusting("localhost"),
        timed=True,
    )
    async with receiving(says(OK), tls=certified("localhost")) as receiver:
        url = f"https://localhost:{receiver.port}"
        status, first = await laps_of(wire, url)
        _, kept = await laps_of(wire, url)
    await wire.close()
    assert status == 200
    assert list(first) == ["dns", "connect", "tls", "first byte", "answer"]
    assert first["tls"] > 0.0005
    assert list(kept) == ["first byte", "answer"]


async def test_without_tls_and_name_there_is_less() -> None:
    wire = HttpWire(GUARD, deadline=PATIENT, timed=True)
    async with receiving(says(OK)) as receiver:
        _, laps = await laps_of(wire, f"http://127.0.0.1:{receiver.port}")
    await wire.close()
    assert list(laps) == ["connect", "first byte", "answer"]


async def test_a_slow_receiver_is_seen_to_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock on which nothing but the receiver takes time."""
    clock = SimpleNamespace(now=7.0)
    monkeypatch.setattr(stopwatch, "time", SimpleNamespace(monotonic=lambda: clock.now))

    async def slow(_receiver: object, writer: asyncio.StreamWriter) -> None:
        clock.now += 2.0
        writer.write(OK)

    wire = HttpWire(GUARD, deadline=PATIENT, timed=True)
    async with receiving(slow) as receiver:
        _, laps = await laps_of(wire, f"http://127.0.0.1:{receiver.port}")
    await wire.close()
    assert laps == {"connect": 0.0, "first byte": 2.0, "answer": 0.0}


@pytest.mark.parametrize("timed", [False, True])
async def test_a_certificate_is_judged_alike_whoever_looks(timed: bool) -> None:
    """Of another name, and of no authority that the system trusts."""
    for trusted in (trusting("localhost"), None):
        wire = HttpWire(
            GUARD, deadline=PATIENT, resolver=addressed("127.0.0.1"), tls=trusted, timed=timed
        )
        async with receiving(says(OK), tls=certified("localhost")) as receiver:
            host = "elsewhere.example.com" if trusted else "localhost"
            parcel = replace(PARCEL, trace=CONTEXT)
            answer = await wire.post(endpoint(f"https://{host}:{receiver.port}"), parcel, now=NOW)
        await wire.close()
        assert str(answer.error).startswith("tls: ")
        assert not answer.reached


async def test_the_context_travels_as_it_is() -> None:
    wire = HttpWire(GUARD, deadline=PATIENT)
    async with receiving(says(OK)) as receiver:
        where = endpoint(f"http://127.0.0.1:{receiver.port}", headers={"traceparent": "static"})
        await wire.post(where, PARCEL, now=NOW)
        await wire.post(where, replace(PARCEL, trace=CONTEXT), now=NOW)
    await wire.close()
    assert [r.header("traceparent") for r in receiver.requests] == [[], [CONTEXT]]
