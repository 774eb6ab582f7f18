"""When the database cannot take a request: 503 with Retry-After, and never a 200."""

import asyncio
import json
from random import Random

import httpx
import pytest

from hundi.documents import MESSAGES
from hundi.exchange.request import Accepted, Refused, Request
from hundi.kernel.faults import Fault
from hundi.simulator import story
from hundi.store.batch import OverloadedError
from hundi.store.engine import CommitUnknownError, StoreError, UnavailableError
from hundi.web.app import MessageCall
from hundi.web.asgi import Reply
from hundi.web.messages import MessageCalls
from hundi.web.visits import Visits
from hundi.web.whole import Whole


class OpenDoor:
    """Lets every token in, as the buyer."""

    async def client_of(self, token: str, now: int, **_: object) -> str:
        return "buyer"

    def remembered(self, token: str, now: int, **_: object) -> str:
        return "buyer"


class DeadStore:
    """A gate behind which the database fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def enter(self, request: Request) -> asyncio.Future[Accepted | Refused]:
        if isinstance(self.error, OverloadedError):
            raise self.error
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(self.error)
        return failed

    async def replay(self, **_: object) -> None:
        raise self.error

    def refused(self, faults: tuple[Fault, ...], *, client_id: str, path: str) -> None:
        return

    def now(self) -> int:
        return Random(1).randrange(10)


def _calls(error: Exception) -> MessageCalls:
    dead = DeadStore(error)
    every = {m.path: MessageCall(m, dead, m.path, m.name) for m in MESSAGES}  # type: ignore[arg-type]
    visits = Visits(Random(1).randbytes)
    return MessageCalls(every, dead, tokens=OpenDoor(), visits=visits)  # type: ignore[arg-type]


async def _answer_at_once(error: Exception, raw: bytes) -> Reply:
    """As a call that came whole is answered."""
    fields = [
        (b"authorization", b"Bearer x"),
        (b"content-type", b"application/json"),
        (b"idempotency-key", b"k"),
    ]
    told: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    whole = Whole(fields, dict(fields), raw)
    _calls(error).whole[MESSAGES[0].path.encode()](whole, told.set_result)
    return await told


async def _answer(error: Exception, raw: bytes) -> httpx.Response:
    calls = _calls(error)
    headers = {
        "authorization": "Bearer x",
        "content-type": "application/json",
        "idempotency-key": "k",
    }
    transport = httpx.ASGITransport(calls)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as client:
        return await client.post(MESSAGES[0].path, content=raw, headers=headers)


@pytest.mark.logs("unexpected")
async def test_a_fault_of_ours_is_told_in_the_envelope_too() -> None:
    answer = await _answer(KeyError("secret"), story.dumps(story.order()))
    assert answer.status_code == answer.json()["response_code"] == 500
    assert answer.json()["payload"]["resp"]["errorCd"] == "HTTP-INTERNAL"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnavailableError("gone"), "STORE-UNAVAILABLE"),
        (CommitUnknownError("no answer"), "STORE-COMMIT-UNKNOWN"),
        (OverloadedError("full"), "HTTP-OVERLOADED"),
    ],
)
@pytest.mark.parametrize("raw", [story.dumps(story.order()), b"{"])
async def test_a_dead_store_is_a_503_to_be_tried_again(
    error: StoreError, code: str, raw: bytes
) -> None:
    answer = await _answer(error, raw)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["payload"]["resp"]["errorCd"] == code
    at_once = await _answer_at_once(error, raw)
    assert (at_once.status, at_once.body) == (503, answer.content)
    assert int(dict(at_once.headers)[b"retry-after"]) >= 1


@pytest.mark.logs("unexpected")
async def test_a_fault_of_ours_is_told_at_once_too() -> None:
    answer = await _answer_at_once(KeyError("secret"), story.dumps(story.order()))
    assert answer.status == 500
    assert json.loads(answer.body)["payload"]["resp"]["errorCd"] == "HTTP-INTERNAL"
