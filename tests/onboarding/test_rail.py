"""The way to contacts: a gateway over HTTP, and the simulation beside it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from hundi.onboarding.model import Contact
from hundi.onboarding.rail import KEPT, HttpContactRail, RailError, SimulatedContacts

CONTACT = Contact(
    phone="+919000000001",
    email="owner@pretend.example.com",
    document="GSTIN",
    identifier="27ZZZCA1234K1ZZ",
    pan="ZZZCA1234K",
)
MEMBERS = {
    "phone": CONTACT.phone, "email": CONTACT.email,
    "document": "GSTIN", "identifier": "27ZZZCA1234K1ZZ", "pan": "ZZZCA1234K",
}  # fmt: skip
Serve = Callable[[int], Awaitable[str]]


@pytest.fixture
async def gateway() -> AsyncIterator[tuple[Serve, list[tuple[str, dict[str, str]]]]]:
    """Starts a gateway that answers with one status; what it was handed."""
    took: list[tuple[str, dict[str, str]]] = []
    runners: list[web.AppRunner] = []

    async def serve(status: int) -> str:
        async def take(request: web.Request) -> web.Response:
            took.append((request.headers.get("authorization", ""), await request.json()))
            return web.Response(status=status, headers={"location": "/elsewhere"})

        application = web.Application()
        application.router.add_post("/codes", take)
        runner = web.AppRunner(application)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/codes"

    yield serve, took
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize("token", ["", "secret"])
async def test_a_gateway_is_handed_the_code(gateway, token: str) -> None:
    serve, took = gateway
    await HttpContactRail(await serve(202), token).send(CONTACT, "012345", reference="MSG1")
    [(authorization, body)] = took
    assert authorization == (f"Bearer {token}" if token else "")
    assert body == {"reference": "MSG1", **MEMBERS, "code": "012345"}


@pytest.mark.parametrize("status", [302, 400, 500])
async def test_anything_but_2xx_is_a_failure_that_does_not_tell_the_code(
    gateway, status: int
) -> None:
    serve, _ = gateway
    with pytest.raises(RailError, match=f"HTTP {status}") as error:
        await HttpContactRail(await serve(status), "").send(CONTACT, "012345", reference="MSG1")
    assert "012345" not in repr(error.value)


async def test_a_gateway_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(RailError) as error:
        await HttpContactRail("http://127.0.0.1:1/", "").send(CONTACT, "012345", reference="M")
    assert error.value.__cause__ is None
    assert "012345" not in str(error.value)


async def test_simulated_contacts_keep_the_newest() -> None:
    contacts = SimulatedContacts()
    for number in range(KEPT + 5):
        await contacts.send(CONTACT, "1", reference=str(number))
    await contacts.send(CONTACT, "2", reference="7")
    messages = contacts.messages()
    assert len(messages) == KEPT
    assert messages[-1] == {"reference": "7", **MEMBERS, "code": "2"}
    assert json.dumps(messages).count('"7"') == 1
