"""Too many calls: 429 with Retry-After, in the words of each part of the network."""

from collections.abc import AsyncIterator

import httpx
import pytest

from hundi.kernel.clock import MINUTE
from hundi.kernel.rates import NO_LIMIT, Rate, Rates
from hundi.parties import guard
from hundi.parties.guard import FREE_OF_PAIR
from hundi.parties.model import NewClient
from hundi.parties.operations import add_client
from hundi.simulator import story
from hundi.web.app import Application
from tests.clocks import Clock
from tests.keys import KEYRING
from tests.web.conftest import bearer
from tests.web.orders import Desk, desk, named
from tests.web.test_oauth import basic


@pytest.fixture
async def made(database_url: str) -> AsyncIterator[Desk]:
    async with desk(database_url) as one:
        yield one


def limit(desk: Desk, **rates: Rate) -> None:
    """From now on, and now stands still: no place comes free on a slow machine."""
    desk.edge.now = Clock()
    app = desk.calls._transport.app
    app._messages._tokens._rates = Rates(**rates)


async def test_messages_over_the_limit_get_the_envelope(made: Desk) -> None:
    limit(made, messages=Rate(1, 2), reads=NO_LIMIT)
    for number in (1, 2):
        body = named(story.order(), f"PO{number}", f"N/{number}")
        assert (await made.send("req-send", body)).status_code == 200
    answer = await made.send("req-send", named(story.order(), "PO3", "N/3"))
    told = answer.json()
    assert (answer.status_code, told["response_code"]) == (429, 429)
    assert told["response_message"] == "FAILURE"
    assert told["payload"]["resp"]["errorCd"] == "CLIENT-RATE"
    assert int(answer.headers["retry-after"]) >= 1
    listed = await made.calls.get("/network/v1/documents", headers=bearer("buyer"))
    assert len(listed.json()["documents"]) == 2
    other = await made.send("req-send", b"{}", client_id="stranger")
    assert other.status_code == 400, "another client is not held up"
    logged = await made.calls.get("/network/v1/refusals", headers=bearer("buyer"))
    assert logged.json()["refusals"] == [], "they would push out those that tell something"


async def test_reads_over_the_limit_get_problem_details(net) -> None:
    object.__setattr__(net.context, "clock", Clock())  # no place comes free on a slow machine
    net.context.tokens._rates = Rates(reads=Rate(1, 2))
    for _ in range(2):
        assert (await net.get("/network/v1/parties")).status_code == 200
    answer = await net.get("/network/v1/parties")
    assert (answer.status_code, answer.json()["code"]) == (429, "CLIENT-RATE")
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert (await net.calls.get("/healthz")).status_code == 200


async def guess(app: Application, client: NewClient, secret: str, **headers: str) -> httpx.Response:
    """A token call as it comes from a proxy on the same machine, or straight."""
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    proof = {"authorization": basic(client.client_id, secret)}
    async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as calls:
        form = {"grant_type": "client_credentials"}
        return await calls.post("/oauth/token", data=form, headers=proof | headers)


@pytest.mark.parametrize("proxies", ["127.0.0.1", ""])
async def test_guesses_are_counted_where_they_come_from(
    made: Desk, monkeypatch: pytest.MonkeyPatch, proxies: str
) -> None:
    # Ten minutes, so that no block ends while a slow machine is still at it.
    monkeypatch.setattr(guard, "block", lambda over, **_: 10 * MINUTE if over > 0 else 0)
    client = await add_client(
        made.stage.database, name="ERP", endpoint=None, random=made.stage.random.randbytes,
        keyring=KEYRING,
    )  # fmt: skip
    known = made.calls._transport.app
    app = Application(
        (),
        edge=known._messages._gate,
        tokens=known._messages._tokens,
        visits=known._messages._visits,
        rest=known._rest,
        proxies=proxies,
    )
    bad = {"x-forwarded-for": "203.0.113.1, 198.51.100.5"}
    for _ in range(FREE_OF_PAIR + 1):
        assert (await guess(app, client, "wrong", **bad)).status_code == 401
    blocked = await guess(app, client, client.client_secret, **bad)
    assert (blocked.status_code, blocked.json()["error"]) == (429, "temporarily_unavailable")
    assert 500 < int(blocked.headers["retry-after"]) <= 600
    assert client.client_secret not in blocked.text
    good = {"x-forwarded-for": "198.51.100.5, 203.0.113.1"}
    elsewhere = await guess(app, client, client.client_secret, **good)
    assert elsewhere.status_code == (200 if proxies else 429), "who is not trusted is not believed"
