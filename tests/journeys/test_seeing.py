"""A loaded network seen from outside: one trace an exchange, and nothing in clear anywhere."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hundi.cli.stage import Stage, call
from hundi.kernel.identity import system_random
from hundi.kernel.sealing import new_key
from hundi.simulator import story
from tests.journeys.test_kill import small_trade
from tests.journeys.traders import (
    Receiver,
    Trader,
    Webhook,
    http,
    network,
    order_to,
    taken,
    trading,
)
from tests.observing.collector import Collector, Seen, collecting, in_clear
from tests.ports import free_port
from tests.until import until_seen

LOUD = "debug, asyncio=debug, aiohttp=debug, uvicorn=debug, sqlalchemy=debug, alembic=debug"
STATIC_HEADER = "k3y-of-the-erp/no+known=form"
RAIL_TOKEN = "the word before the rail"
LAPS = {"connect", "first byte", "answer", "queue", "settle"}
CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SEALING_KEY = new_key(system_random)
LEAK = b"PURLEAK"
_ID = re.compile("(MSG|RSP)[0-9A-F]{32}")
ACCOUNT = "918273645501234"
OTHERS = ("asha.rao@example.com", "9876501234", "98765 01234", ACCOUNT, "4111 1111 1111 1111")


@dataclass
class Show:
    """A network that tells everything it may, with two businesses."""

    stage: Stage
    address: str
    collector: Collector
    buyer: Trader
    supplier: Trader

    def logs(self) -> list[str]:
        return [path.read_text() for path in self.stage.folder.glob("*.log")]

    def lines(self) -> list[dict[str, Any]]:
        """Log lines that are JSON: all but the one that says where the network listens."""
        # The last line may be half written.
        whole = (text.rpartition("\n")[0] for text in self.logs())
        texts = [line for text in whole for line in text.splitlines()]
        return [json.loads(line) for line in texts if line.startswith("{")]

    def output(self) -> list[str]:
        """Everything that an operator's tools are given."""
        sent = [raw.decode("latin-1") for raw in self.collector.raw]
        return [*self.logs(), *sent, _text(f"{self.address}/metrics")]

    def trade(self, places: int) -> None:
        """Whole trades, each message insisted on until it is taken."""
        for place in range(places):
            for side, path, body in small_trade(1, place):
                actor = self.buyer if side == "buyer" else self.supplier
                until_seen(lambda a=actor, p=path, b=body: _taken(a, p, b))

    def at_rest(self) -> bool:
        pages = (self.buyer.read(f"/deliveries?state={s}&limit=1") for s in ("QUEUED", "LEASED"))
        return not any(page["deliveries"] for page in pages)


def _text(url: str) -> str:
    return str(call("GET", url).body)


def _taken(actor: Trader, path: str, body: story.Body) -> bool:
    return actor.send(f"/api/v0/{path}", story.dumps(body)).status == 200


@contextmanager
def show(database_url: str, answer: Any = taken) -> Iterator[Show]:
    """Up: on PostgreSQL an API and a dispatcher process, on SQLite both in one."""
    with collecting() as collector, Stage(database_url) as stage:
        stage.environment |= {
            "HUNDI_LOG": LOUD,
            "HUNDI_LOG_FORMAT": "json",
            "HUNDI_CONTACT_TOKEN": RAIL_TOKEN,
            "HUNDI_SECRET_KEYS": SEALING_KEY,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "PYTHONASYNCIODEBUG": "",
        }
        address = f"http://127.0.0.1:{free_port()}"
        roles = ("all",) if database_url.startswith("sqlite") else ("api", "dispatcher")
        for role in roles:
            port = () if role == "dispatcher" else ("--port", address.rpartition(":")[2])
            process = stage.process(role, "serve", "--dev", "--role", role, *port)
            process.start(f"{address}/readyz")
        receivers = [Receiver(answer), Receiver(answer)]
        buyer, supplier = (
            Trader(stage, business, network=address, receiver=receiver)
            for business, receiver in zip((story.BUYER, story.SUPPLIER), receivers, strict=True)
        )
        try:
            yield Show(stage, address, collector, buyer, supplier)
        finally:
            for receiver in receivers:
                receiver.close()


def test_one_trace_from_the_callers_span_to_the_outcome(database_url: str) -> None:
    with show(database_url) as made:
        body = story.dumps(story.order(object_id="PURTRACE1", number="T/1"))
        answer = made.buyer.post("req-send", body, traceparent=CALLER)
        assert answer.status == 200, answer.body
        req_msg_id = answer.body["payload"]["resp"]["reqMsgId"]
        until_seen(lambda: made.buyer.took)
        seen = made.collector
        until_seen(lambda: _has_all(seen))
        [accept] = seen.of("accept")
        assert (accept.trace, accept.parent) == (CALLER[3:35], CALLER[36:52])
        [request], [response] = seen.of("attempt REQ"), seen.of("attempt RESP")
        assert {request.parent, response.parent} == {accept.span}
        assert {s.attributes["hundi.req_msg_id"] for s in (accept, request, response)} == {
            req_msg_id
        }
        _parts_of(seen, accept, request)
        told = {hook.headers["traceparent"] for hook in (*made.supplier.took, *made.buyer.took)}
        assert told == {f"00-{s.trace}-{s.span}-01" for s in (request, response)}
        steps = [line for line in made.lines() if line.get("reqMsgId") == req_msg_id]
        assert {line["event"] for line in steps} == {"accepted", "attempt"}
        assert {line["trace_id"] for line in steps} == {accept.trace}


def _has_all(seen: Collector) -> bool:
    """Processes send their spans apart from each other, and each in its own time."""
    names = ("accept", "commit", "commit batch", "attempt REQ", "attempt RESP")
    if not all(map(seen.of, names)):
        return False
    [request] = seen.of("attempt REQ")
    below = {s.name: s for s in seen.spans if s.parent == request.span}
    batches = {s.span for s in seen.of("settle batch")}
    return below.keys() >= LAPS and bool(batches.intersection(below["settle"].links))


def test_without_a_collector_a_context_is_passed_on(sqlite_url: str) -> None:
    with network(sqlite_url) as (stage, address, _):
        businesses = (story.BUYER, story.SUPPLIER)
        with trading(stage, address, *businesses) as (buyer, supplier):
            buyer.post("req-send", order_to(supplier, 1), traceparent=CALLER)
            buyer.post("req-send", order_to(supplier, 2))
            until_seen(lambda: len(buyer.took) == 2)
            told = [hook.headers.get("traceparent") for hook in (*supplier.took, *buyer.took)]
    assert sorted(map(str, told)) == [CALLER, CALLER, "None", "None"]


def _parts_of(seen: Collector, accept: Seen, request: Seen) -> None:
    """Queue and commit are below the acceptance, settling below the attempt; each shows its batch."""
    for name, below in (("commit", accept), ("settle", request)):
        part = next(s for s in seen.of(name) if s.parent == below.span)
        [batch] = [s for s in seen.of(f"{name} batch") if s.span in part.links]
        assert below.span in batch.links
        assert batch.trace != accept.trace
        assert part.trace == accept.trace
        assert part.began <= part.ended
    assert [s.parent for s in seen.of("queue")].count(accept.span) == 1
    laps = {s.name for s in seen.spans if s.parent == request.span}
    assert laps == LAPS
    for lap in (s for s in seen.spans if s.parent == request.span and s.name == "connect"):
        assert request.began <= lap.began <= lap.ended <= request.ended


def test_nothing_is_told_in_clear(database_url: str) -> None:
    with show(database_url, leaky) as made:
        header = ("--header", f"X-Api-Key: {STATIC_HEADER}")
        client_id = made.supplier.credentials["clientId"]
        made.stage.command("client", "set", "--client", client_id, *header)
        rotated = made.stage.command("client", "rotate-secret", "--client", client_id)
        _bother(made)
        made.trade(3)
        _bother(made)
        until_seen(lambda: _is_seen(made))
        time.sleep(1)
        kept = [*_kept(made), rotated["webhookSecret"]]
        found = in_clear(made.output(), kept)
        assert not found, found[:5]
        _is_no_empty_look(made, kept)


def leaky(webhook: Webhook) -> bytes:
    """An ERP that fails at some orders, and says more than it should."""
    if LEAK not in webhook.body:
        return taken(webhook)
    pan = story.BUYER.pan
    if webhook.body.count(b"/1"):
        return f"HTTP/1.1 200 {pan}\r\nX {ACCOUNT}\r\n\r\n".encode()
    words = f"{pan} {ACCOUNT} {OTHERS[0]} Bearer {webhook.headers['webhook-signature']}"
    return http(500, words.encode())


def _bother(made: Show) -> None:
    """Whatever callers do wrong, with what must not be seen in it."""
    pan, token = story.BUYER.pan, made.buyer._fetched()
    with_token = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for text in (pan, ACCOUNT, *OTHERS):
        for body in (text, json.dumps({"b2bIds": {"buyerB2BId": text}, text: text})):
            made.buyer.post("req-send", body.encode())
        order = story.order(object_id="PURX", number=text)
        made.buyer.post("req-send", story.dumps(order), traceparent=text, tracestate=text)
        url = text.replace(" ", "%20")
        call("GET", f"{made.address}/network/v1/documents/x/{url}?author={url}", headers=with_token)
        call("POST", f"{made.address}/api/v0/{url}", body=b"{}", headers=with_token)
        call("GET", f"{made.address}/{url}?access_token={token}")
    for place in range(2):
        order = story.order(object_id=f"{LEAK.decode()}{place}", number=f"L/{place}")
        made.buyer.post("req-send", story.dumps(order))
    wrong = {"Authorization": f"Basic {made.buyer.credentials['clientSecret']}"}
    call("POST", f"{made.address}/oauth/token", body=f"password={pan}".encode(), headers=wrong)
    call("GET", f"{made.address}/network/v1/events", headers={"Authorization": f"Bearer x{token}"})


def _kept(made: Show) -> list[str]:
    """Every secret, token, PAN, account number, address and number that was used."""
    of_clients = [
        made.supplier.credentials[name] for name in ("clientSecret", "password", "webhookSecret")
    ] + [made.buyer.credentials[name] for name in ("clientSecret", "password", "webhookSecret")]
    tokens = [made.buyer._fetched(), made.supplier._fetched(), STATIC_HEADER, RAIL_TOKEN]
    tokens.append(SEALING_KEY)
    bodies = " ".join(hook.body.decode() for hook in (*made.buyer.took, *made.supplier.took))
    # One message id in a hundred has the form of a PAN somewhere in its digits.
    pans = re.findall(r"[A-Z]{5}[0-9]{4}[A-Z]", _ID.sub("", bodies))
    mails = re.findall(r"[\w.]+@[\w]+\.\w+", bodies)
    numbers = re.findall(r"(?<![A-Za-z0-9.])[0-9]{9,18}(?![A-Za-z0-9.])", bodies)
    assert {story.BUYER.pan, story.SUPPLIER.pan} <= set(pans)
    return [*of_clients, *tokens, *OTHERS, *pans, *mails, *numbers]


def _is_seen(made: Show) -> bool:
    """Whether lines of each kind, and many, have been written, and as many spans were sent."""
    lines = made.lines()
    told = {line["event"] for line in lines} >= {"accepted", "refused", "attempt", "attempt-failed"}
    return told and len(lines) > 100 and len(made.collector.spans) > 100


def _is_no_empty_look(made: Show, kept: list[str]) -> None:
    """What was looked through is long, of each kind, and would have shown it."""
    assert _is_seen(made)
    lines = made.lines()
    assert {"xxxxx"} <= {m for t in made.logs() for m in re.findall("xxxxx", t)}
    about = {"accepted", "attempt", "attempt-failed", "webhook-parked"}
    assert all(line["reqMsgId"] for line in lines if line["event"] in about)
    assert in_clear([f"a line with {kept[0]}"], kept)
