"""What counts as another answer to an old message that is sent again."""

from random import Random
from typing import Any

import pytest

from proof.ground.calling import Answer
from proof.ground.traffic import Traffic

MESSAGE = ("send", 1)
FIRST = b'{"reqMsgId":"MSG1"}'


class Line:
    """Gives one answer to everything."""

    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer

    async def call(self, _request: bytes) -> Answer | None:
        return self.answer


class Kind:
    """A message whose bytes do not matter."""

    def numbered(self, number: int) -> bytes:
        return b"%d" % number


async def repeated(answer: Answer | None) -> tuple[int, int]:
    """How many repeats were counted, and how many of them as differing."""
    nobody: Any = None
    kind: Any = Kind()
    line: Any = Line(answer)
    traffic = Traffic(nobody, Random(1), answers={MESSAGE: FIRST}, _kinds={"send": kind})
    await traffic._repeat(line)
    return traffic.repeats, traffic.differing


@pytest.mark.parametrize(
    ("status", "body", "counts"),
    [
        (200, FIRST, (1, 0)),
        (200, b'{"reqMsgId":"MSG2"}', (1, 1)),
        *((status, FIRST, (1, 1)) for status in (202, 400, 403, 404, 409, 422, 500)),
        *((status, b"", (0, 0)) for status in (401, 408, 429, 502, 503)),
    ],
)
async def test_a_repeat_is_judged_by_its_final_answer(
    status: int, body: bytes, counts: tuple[int, int]
) -> None:
    assert await repeated(Answer(status, {}, body)) == counts


async def test_no_answer_says_nothing() -> None:
    assert await repeated(None) == (0, 0)
