"""The command's process: one line, real signals, exit codes, and a kill that loses nothing."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import aiohttp
import pytest

from hundi.kernel.clock import wall_clock
from hundi.simulator.server import run
from hundi.simulator.state import open_state
from tests.simulator.messages import API, SECRET, body, headers, request_id, subject

CREDENTIALS = {
    "clientId": "CEKABC1234",
    "clientSecret": "s3cret",
    "username": "api@x",
    "password": "pass",
    "webhookSecret": SECRET,
}
COMMAND = (
    "import sys; from pathlib import Path; from hundi.simulator.server import run;"
    "sys.exit(run(host='127.0.0.1', port=0, credentials=Path(sys.argv[1]), "
    " rules=Path(sys.argv[3]) if sys.argv[3:] else None, state=Path(sys.argv[2])))"
)


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps(CREDENTIALS))
    return path


@contextmanager
def running(
    credentials: Path, state: Path, *rules: Path
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-c", COMMAND, *map(str, (credentials, state, *rules))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("Simulated ERP listens on http://127.0.0.1:")
            yield process, line.split()[4]
        finally:
            process.kill()


async def post(session: aiohttp.ClientSession, url: str, number: int) -> bytes | None:
    """The answer, or None where the process died before it came."""
    raw = body(subject(f"PUR{number}"))
    signed = headers(request_id(number), raw, now=wall_clock())
    try:
        async with session.post(f"{url}{API}req-send", data=raw, headers=signed) as got:
            return await got.read()
    except aiohttp.ClientError:
        return None


async def barrage(url: str, numbers: range, answers: dict[int, bytes]) -> None:
    """Send from eight tasks; note every answer; whoever calls kills the process meanwhile."""
    waiting = iter(numbers)

    async def sender(session: aiohttp.ClientSession) -> None:
        for number in waiting:
            got = await post(session, url, number)
            if got is None:
                return
            assert answers.setdefault(number, got) == got

    async with aiohttp.ClientSession() as session:
        async with asyncio.timeout(60):
            await asyncio.gather(*(sender(session) for _ in range(8)))


async def killed_midway(
    process: subprocess.Popen[str], url: str, answers: dict[int, bytes], *, after: float
) -> None:
    # New messages only: a repeat would do again what the kill before had lost.
    start, enough = max(answers, default=0) + 1_000, len(answers) + 2
    sending = asyncio.create_task(barrage(url, range(start, start + 100_000), answers))
    while len(answers) < enough and not sending.done():  # noqa: ASYNC110  counted by many tasks
        await asyncio.sleep(0.002)
    await asyncio.sleep(after)
    process.send_signal(signal.SIGKILL)
    await sending


async def test_a_kill_at_any_moment_loses_no_answer_and_no_effect(
    credentials: Path, tmp_path: Path
) -> None:
    state, random, answers = tmp_path / "erp.db", Random(7), dict[int, bytes]()
    for _ in range(5):
        with running(credentials, state) as (process, url):
            await killed_midway(process, url, answers, after=random.random() * 0.2)
            process.wait()
        assert process.returncode == -signal.SIGKILL
    kept = open_state(state)
    effects = {row["id"]: row["applied"] for row in kept.effects()}
    stored = {number: kept.answer(request_id(number)) for number in answers}
    kept.close()
    assert len(answers) > 5, "the kills came too early to show anything"
    assert set(effects.values()) == {1}
    assert {request_id(number) for number in answers} <= set(effects)
    assert {n: s.body for n, s in stored.items() if s is not None} == answers


async def test_after_a_kill_repeats_get_the_bytes_of_before(
    credentials: Path, tmp_path: Path
) -> None:
    """Without the kept answer the second process, which has no rules, would say SUCCESS."""
    state, rules = tmp_path / "erp.db", tmp_path / "rules.json"
    rules.write_text('[{"do": {"answer": "decline", "code": "ERP-1"}}]')
    async with aiohttp.ClientSession() as session:
        with running(credentials, state, rules) as (process, url):
            first = await post(session, url, 1)
            process.kill()
        with running(credentials, state) as (_, url):
            assert first is not None
            assert await post(session, url, 1) == first
            async with session.get(url + "/simulator/exchanges") as got:
                assert (await got.json())["effects"] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_0(
    credentials: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with running(credentials, tmp_path / "erp.db") as (process, url):
        async with aiohttp.ClientSession() as session:
            assert await post(session, url, 1) is not None
        process.send_signal(number)
        assert process.wait(timeout=60) == 0


def refusal(
    capsys: pytest.CaptureFixture[str],
    credentials: Path,
    *,
    rules: Path | None = None,
    state: Path | None = None,
    port: int = 0,
) -> str:
    assert run(host="127.0.0.1", port=port, credentials=credentials, rules=rules, state=state) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("hundi: ")
    return captured.err


def test_unusable_files_are_told_and_end_with_2(
    credentials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text('[{"do": {"answer": "status", "status": 99}}]')
    assert "rules[0].do.status must be" in refusal(capsys, credentials, rules=rules)
    assert "none.json cannot be read" in refusal(capsys, tmp_path / "none.json")
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({**CREDENTIALS, "webhookSecret": "whsec_short"}))
    assert "24 to 64 bytes" in refusal(capsys, wrong)
    wrong.write_text(json.dumps({**CREDENTIALS, "password": 7}))
    assert "password is missing or not a text" in refusal(capsys, wrong)
    wrong.write_text("[]")
    assert "hundi client add" in refusal(capsys, wrong)
    assert "cannot be used" in refusal(capsys, credentials, state=tmp_path)


def test_a_taken_port_is_told(credentials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Cannot listen on 127.0.0.1:{port}" in refusal(capsys, credentials, port=port)
