"""The two floors under Hundi's figures: pgbench, and the bare control."""

import asyncio
import re
import shutil
import subprocess
import venv
from itertools import cycle
from pathlib import Path
from time import perf_counter

from bench import database, orders
from bench.load import AtOnce, Load, Tally, Windowed
from bench.receiver import Receiver
from bench.server import BenchError, Server, running
from bench.stage import (
    Figure,
    Settings,
    Stage,
    Ticker,
    drive,
    round_trips,
    say,
    summed_up,
)

ROOT = Path(__file__).parent.parent
ENVIRONMENT = ROOT / ".venv-bench"
PINS = ROOT / "requirements" / "bench.txt"
SCRIPT = Path(__file__).with_name("five.sql")


def pgbench_path() -> str:
    """Where pgbench is. Raises BenchError if it is not installed."""
    beside = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    found = shutil.which("pgbench") or (str(beside[-1]) if beside else None)
    if found is None:
        message = "pgbench is not installed; on Debian: apt-get install postgresql-contrib"
        raise BenchError(message)
    return found


async def pgbench(url: str, settings: Settings, *, watched: Stage) -> Figure:
    """Transactions a second of the five statements: 32 connections, 2 threads, prepared."""
    await database.lay_tables(url)
    say("pgbench, five statements, 32 connections")
    await _pgbench(url, settings.warm_up)
    before, started = watched.reading(), perf_counter()
    text = await _pgbench(url, settings.seconds)
    cores, flushes = watched.reading().since(before, perf_counter() - started)
    rate, latency = (
        re.search(r"tps = ([\d.]+)", text),
        re.search(r"average = ([\d.]+)", text),
    )
    done = re.search(r"actually processed: (\d+)", text)
    if not (rate and latency and done):
        message = f"pgbench printed something unknown:\n{text}"
        raise BenchError(message)
    return Figure(
        name="pgbench, five statements",
        unit="transactions/s",
        rate=float(rate[1]),
        seconds=settings.seconds,
        count=int(done[1]),
        cores=cores,
        flushes=flushes,
        note=f"mean {latency[1]} ms",
    )


async def _pgbench(url: str, seconds: float) -> str:
    command = [pgbench_path(), "-n", "-c", "32", "-j", "2", "-M", "prepared"]
    command += ["-T", str(max(1, round(seconds))), "-f", str(SCRIPT)]
    body = orders.status_change().decode().replace("#", "0")
    process = await asyncio.create_subprocess_exec(
        *command,
        "-D",
        f"body={body}",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        message = f"pgbench failed:\n{output.decode()}"
        raise BenchError(message)
    return output.decode()


def control_python() -> Path:
    """The Python of the control's own environment, built when it is missing or out of date.

    FastAPI is no dependency of Hundi, so it does not enter Hundi's environment.
    """
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / PINS.name
    if not stamp.exists() or stamp.read_bytes() != PINS.read_bytes():
        say("building .venv-bench for the control (once)")
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        (ENVIRONMENT / ".gitignore").write_text("*\n")
        install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "-r",
            str(PINS),
        ]
        subprocess.run([python, *install], check=True)
        shutil.copyfile(PINS, stamp)
    return python


async def control(
    url: str, settings: Settings, *, logs: Path, watched: Stage
) -> tuple[list[Figure], list[str]]:
    """The control's acks/s without a sender and deliveries/s with one; and why it is invalid."""
    python = await asyncio.to_thread(control_python)
    command = [str(python), "-m", "bench.control", "--database", url]
    await database.lay_tables(url)
    async with running("control", command, environment={}, logs=logs) as server:
        acks, first = await _control_acks(server, settings, watched)
    await database.lay_tables(url)
    receiver = Receiver(one_way=True)
    await receiver.start()
    webhook = f"http://127.0.0.1:{receiver.port}/supplier/req-status-change"
    command += ["--webhook", webhook]
    async with running("control", command, environment={}, logs=logs) as server:
        trips, second = await _control_trips(server, settings, watched=watched, receiver=receiver)
    await receiver.stop()
    return [acks, trips], [
        *_faults(first),
        *_faults(second),
        *_undelivered(second, receiver),
    ]


async def _control_acks(server: Server, settings: Settings, watched: Stage) -> tuple[Figure, Tally]:
    load = Load(_changes(), AtOnce())
    await load.open(server.port, settings.connections)
    async with Ticker("control, acks", lambda: len(load.tally.finished)):
        stretch = await drive(load, _beside(watched, server), settings, ticking=False)
    latencies = load.tally.between(stretch.begin, stretch.end)
    return summed_up("control, acks", "acks/s", stretch=stretch, latencies=latencies), load.tally


async def _control_trips(
    server: Server, settings: Settings, *, watched: Stage, receiver: Receiver
) -> tuple[Figure, Tally]:
    ended = receiver.receipts.delivered
    load = Load(_changes(), Windowed(lambda: load.tally.sent - len(ended), settings.window))
    receiver.on_end = lambda *_: load.pump()
    await load.open(server.port, settings.connections)
    async with Ticker("control, deliveries", lambda: len(ended)):
        stretch = await drive(load, _beside(watched, server), settings, ticking=False)
        await _until_delivered(load.tally, receiver)
    trips = round_trips(load.tally, ended, stretch)
    name = "control, deliveries (one webhook)"
    return summed_up(name, "deliveries/s", stretch=stretch, latencies=trips), load.tally


async def _until_delivered(tally: Tally, receiver: Receiver) -> None:
    for _ in range(200):
        if len(receiver.receipts.delivered) >= len(tally.accepted):
            return
        await asyncio.sleep(0.05)


def _changes() -> "cycle[bytes]":
    """Requests over all orders; they are stamped out once, so that the load only sends."""
    change = orders.request(orders.STATUS_CHANGE, orders.status_change(), token="none")
    return cycle([change.numbered(number) for number in range(1, 20_001)])


def _beside(watched: Stage, server: Server) -> Stage:
    return Stage(processes=watched.processes | {"server": server.pid}, disk=watched.disk)


def _faults(tally: Tally) -> list[str]:
    faults = []
    if tally.refused:
        faults.append(f"control: refused {dict(tally.refused)}: {tally.complaint[:300]!r}")
    if tally.broken or tally.twice:
        faults.append(f"control: {tally.broken} answers lost, {tally.twice} message ids doubled")
    return faults


def _undelivered(tally: Tally, receiver: Receiver) -> list[str]:
    receipts = receiver.receipts
    lost = len(tally.accepted.keys() - receipts.delivered.keys())
    if lost or receipts.doubled:
        return [f"control: {lost} deliveries lost, {receipts.doubled} doubled"]
    return []
