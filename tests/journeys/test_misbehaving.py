"""Receivers that are down, slow, lying or talking nonsense harm nobody but themselves."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from hundi.simulator import story
from tests.journeys.standstills import Standstills
from tests.journeys.traders import (
    Answer,
    Receiver,
    Trader,
    Webhook,
    http,
    network,
    order_to,
    result_of,
    trading,
)
from tests.until import until_seen


def slow(_: Webhook) -> None:
    time.sleep(30)


def hung_up(_: Webhook) -> None:
    return None


def too_short(_: Webhook) -> bytes:
    return http(200, b"x" * 10).replace(b"Content-Length: 10", b"Content-Length: 500")


def too_long(_: Webhook) -> bytes:
    return http(200, b'{"payload":{"resp":{"result":"SUCCESS"}}}' * 2).replace(b"82", b"41")


def nonsense(_: Webhook) -> bytes:
    return http(200, b"<html>\xff\x00 welcome</html>")


def huge(_: Webhook) -> bytes:
    return http(200, b'{"a":"' + b"x" * 5_000_000 + b'"}')


def not_http(_: Webhook) -> bytes:
    return b"\x16\x03\x01 hello\r\n\r\n"


def failing(_: Webhook) -> bytes:
    return http(500, b"{}")


def of_another(_: Webhook) -> bytes:
    resp = b'{"payload":{"resp":{"reqMsgId":"MSG0000","result":"SUCCESS"}}}'
    return http(200, resp)


def redirecting_to(trap: Receiver) -> Answer:
    def redirect(_: Webhook) -> bytes:
        return http(307, b"", f"Location: {trap.url}/hooks")

    return redirect


MANNERS: tuple[Callable[[Webhook], bytes | None], ...] = (
    slow, too_short, too_long, hung_up, nonsense, huge, not_http, failing, of_another,
)  # fmt: skip


@contextmanager
def suppliers(stage: object, address: str) -> Iterator[tuple[list[Trader], Receiver]]:
    """One supplier of each bad manner, one whose port is closed, one that redirects into a trap."""
    with ExitStack() as end:
        receivers = [Receiver(manner) for manner in MANNERS]
        trap, closed = Receiver(), Receiver()
        closed.close()
        for receiver in (*receivers, trap):
            end.callback(receiver.close)
        receivers += [closed, Receiver(redirecting_to(trap))]
        with ThreadPoolExecutor(
            4
        ) as adding:  # each is two commands, of which Python's start is most
            traders = list(
                adding.map(
                    lambda place: Trader(
                        stage,
                        story.SUPPLIER,
                        network=address,
                        receiver=receivers[place],
                        branch=f".B{place}",
                    ),
                    range(len(receivers)),
                )
            )
        yield traders, trap


def attempts(buyer: Trader, req_msg_id: str) -> int:
    found = buyer.read(f"/deliveries/{req_msg_id}")
    return sum(1 for attempt in found["attemptLog"] if attempt["endedAt"])


def _settles_five(buyer: Trader, good: Trader) -> tuple[float, bool]:
    """How long five orders one after the other take, in seconds, and whether the machine stood still."""
    standstills, began = Standstills(), time.monotonic()
    for place in range(5):
        id_ = result_of(buyer.post("req-send", order_to(good, place)))["reqMsgId"]
        path = f"/exchanges/{id_}"
        until_seen(lambda path=path: buyer.read(path)["state"] == "SETTLED")
    return time.monotonic() - began, standstills.since(began)


def test_bad_receivers_hold_up_nobody(database_url: str) -> None:
    with (
        network(database_url) as (stage, address, processes),
        trading(stage, address, story.BUYER, story.SUPPLIER) as (buyer, good),
        suppliers(stage, address) as (bad, trap),
    ):
        sent = [
            result_of(buyer.post("req-send", order_to(one, f"{n}B{place}")))["reqMsgId"]
            for place, one in enumerate(bad)
            for n in range(5)
        ]
        # All but the two that keep the network waiting until its deadline.
        until_seen(lambda: all(attempts(buyer, id_) for id_ in sent[10::5]))
        took, stood_still = _settles_five(buyer, good)
        assert took < 8 or stood_still
        assert len(good.took) == 5
        assert not trap.took, "a redirect is not followed"
        states = {buyer.read(f"/exchanges/{id_}")["state"] for id_ in sent}
        assert states == {"OPEN"}, "none of these answers decided anything"
        processes[0].kill()  # a gentle stop would wait for the slow one's attempts
