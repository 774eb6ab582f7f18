"""The simulated ERP on a socket: webhooks in, control API beside them, SIGTERM ends it."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop
from aiohttp import web

from hundi.kernel.clock import wall_clock
from hundi.kernel.signature import SignatureError, sign
from hundi.simulator.answering import Answer, Manner
from hundi.simulator.control import control_routes
from hundi.simulator.credentials import CredentialsError, read_credentials
from hundi.simulator.erp import Erp
from hundi.simulator.leaving import Gate, leave
from hundi.simulator.rules import RuleError, Rules, read_rules
from hundi.simulator.state import StateError, in_memory, open_state
from hundi.simulator.webhook import Webhook

_LARGEST_BODY = 4 << 20
_FINISH_SECONDS = 5.0
_UNUSABLE = 2


@dataclass(frozen=True, slots=True)
class Answered:
    """A webhook whose answer has left whole."""

    webhook: Webhook
    answer: Answer


Afterwards = Callable[[Answered], Awaitable[None]]
"""What an ERP does after it has answered: confirm an order, say. Runs when the answer is written."""


async def _nothing(_answered: Answered) -> None:
    return


@asynccontextmanager
async def listening(
    erp: Erp, *, host: str = "127.0.0.1", port: int = 0, afterwards: Afterwards = _nothing
) -> AsyncIterator[str]:
    """Serve an ERP while the block runs; gives the base URL, with the port that was found free.

    At the end webhooks that are being answered get their answers, within 5 s; those that a rule
    keeps waiting get a reset connection. Raises OSError if the port cannot be had.
    """
    gate = Gate()
    runner = web.AppRunner(
        _application(erp, gate, afterwards), access_log=None, shutdown_timeout=_FINISH_SECONDS
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, reuse_address=True)
        await site.start()
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{runner.addresses[0][1]}"
    finally:
        gate.close()
        await runner.cleanup()


async def serve(
    erp: Erp,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    announce: Callable[[str], None],
) -> None:
    """Serve an ERP until `stop` is set; `announce` gets one line when it listens."""
    async with listening(erp, host=host, port=port) as url:
        announce(f"Simulated ERP listens on {url} and is controlled at {url}/simulator/")
        await stop.wait()


def run(*, host: str, port: int, credentials: Path, rules: Path | None, state: Path | None) -> int:
    """The command `hundi simulate`: serve until SIGTERM or SIGINT. Returns the exit code.

    2 with a sentence on stderr: a file or the port cannot be used.
    """
    try:
        erp = _made(credentials=credentials, rules=rules, state=state)
    except (CredentialsError, RuleError, StateError, SignatureError) as trouble:
        return _unusable(str(trouble))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_told(erp, host=host, port=port))
    except OSError as trouble:
        return _unusable(f"Cannot listen on {host}:{port}: {trouble.strerror}.")
    finally:
        erp.state.close()
    return 0


def _made(*, credentials: Path, rules: Path | None, state: Path | None) -> Erp:
    secret = read_credentials(credentials).webhook_secret
    sign([secret], webhook_id="trial", timestamp=0, body=b"")  # a bad secret shows now, not later
    chosen = read_rules(rules) if rules is not None else Rules()
    kept = open_state(state) if state is not None else in_memory()
    return Erp([secret], state=kept, rules=chosen)


def _unusable(sentence: str) -> int:
    sys.stderr.write(f"hundi: {sentence}\n")
    return _UNUSABLE


async def _until_told(erp: Erp, *, host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(erp, host=host, port=port, stop=stop, announce=_print_line)


def _print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _application(erp: Erp, gate: Gate, afterwards: Afterwards) -> web.Application:
    async def webhook(request: web.Request) -> web.StreamResponse:
        arrived = Webhook(request.path, request.headers, await request.read())
        answer = erp.receive(arrived, now=wall_clock())
        if answer.manner is Manner.HOLD:
            await gate.released(answer.seconds)
            if gate.closed:
                return await leave(request, answer, gate)
            answer = erp.resume(answer.entry)
        response = await leave(request, answer, gate)
        if answer.manner is Manner.WHOLE and afterwards is not _nothing:
            await response.prepare(request)
            await response.write_eof()
            await afterwards(Answered(arrived, answer))
        return response

    application = web.Application(client_max_size=_LARGEST_BODY)
    application.add_routes(control_routes(erp, gate))
    application.router.add_post("/{path:.*}", webhook)
    return application
