"""When the database cannot take a request: 503 with Retry-After, and never a 200."""

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
from hundi.web.messages import MessageCalls, Submit
from hundi.web.visits import Visits


class OpenDoor:
    """Lets every token in, as the buyer."""

    async def client_of(self, token: str, now: int, **_: object) -> str:
        return "buyer"


class DeadStore:
    """A gate behind which the database fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def submit(self, request: Request) -> Accepted | Refused:
        raise self.error

    async def counted(self, message: str, submit: Submit) -> Accepted | Refused:
        return await submit()

    async def replay(self, **_: object) -> None:
        raise self.error

    def refused(self, client_id: str, path: str, faults: tuple[Fault, ...]) -> None:
        return

    def now(self) -> int:
        return Random(1).randrange(10)


async def _answer(error: Exception, raw: bytes) -> httpx.Response:
    dead = DeadStore(error)
    every = {m.path: MessageCall(m, dead, dead) for m in MESSAGES}  # type: ignore[arg-type]
    visits = Visits(Random(1).randbytes)
    calls = MessageCalls(every, dead, tokens=OpenDoor(), visits=visits)  # type: ignore[arg-type]
    headers = {
        "authorization": "Bearer x",
        "content-type": "application/json",
        "idempotency-key": "k",
    }
    transport = httpx.ASGITransport(calls)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as client:
        return await client.post(MESSAGES[0].path, content=raw, headers=headers)


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
