"""Commands that a signal ends: quietly, with the signal's exit code, and with nothing left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.until import until_seen

# A page a step and a rest after each: a copy of seconds, as that of a large file is.
SLOWLY = """
import sys, time
from hundi.cli.meter import Meter
from hundi.main import main
from hundi.store import backup
backup.PAGES_A_STEP = 1
Meter.__call__ = lambda *_: time.sleep(0.2)
sys.argv[0] = "hundi"
sys.exit(main())
"""
# What a module holds is let go of after the interpreter has put its own signals away.
AT_THE_VERY_END = """
import os, signal
from hundi.cli.ending import clear_away_when_told_to_end

class Last:
    def __init__(self):
        self.tell = os.kill, os.getpid(), signal.SIGTERM
    def __del__(self):
        tell, process, number = self.tell
        tell(process, number)

clear_away_when_told_to_end()
import builtins
builtins.last = Last()
os.kill(os.getpid(), signal.SIGHUP)
"""
# Stands in the way of the real one, as a disk that has to be woken does.
SLOW_MODULE = "import time; print('loading', flush=True); time.sleep(60)"


def started(
    *words: str, ignoring: tuple[signal.Signals, ...] = (), **environment: str
) -> subprocess.Popen[str]:
    """A process with the usual signals, however the tests were started."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number in numbers:
            ignored = number in ignoring
            signal.signal(number, signal.SIG_IGN if ignored else signal.default_int_handler)
        return subprocess.Popen(
            [sys.executable, *words],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("told", "ignored"),
    [
        ((signal.SIGINT,), ()),
        ((signal.SIGTERM,), ()),
        ((signal.SIGHUP,), ()),
        ((signal.SIGHUP, signal.SIGTERM), ()),
        ((signal.SIGHUP, signal.SIGTERM), (signal.SIGHUP,)),
    ],
)
def test_a_copy_that_is_cut_off_leaves_nothing(
    sqlite_url: str,
    tmp_path: Path,
    told: tuple[signal.Signals, ...],
    ignored: tuple[signal.Signals, ...],
) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    backup = ("-c", SLOWLY, "db", "backup", str(folder / "hundi.db"))
    with started(*backup, ignoring=ignored, HUNDI_DATABASE_URL=sqlite_url) as process:
        until_seen(lambda: any(part.stat().st_size for part in folder.iterdir()))
        for number in told:
            process.send_signal(number)
        out, err = process.communicate(timeout=50)
    heeded = next(number for number in told if number not in ignored)
    assert (process.returncode, out, err) == (128 + heeded, "", "")
    assert list(folder.iterdir()) == []


def test_a_second_signal_as_python_ends_changes_nothing() -> None:
    with started("-c", AT_THE_VERY_END) as process:
        out, err = process.communicate(timeout=50)
    assert (process.returncode, out, err) == (129, "", "")


@pytest.mark.parametrize(
    "words", [("-m", "hundi.main"), (str(Path(sys.executable).parent / "hundi"),)]
)
def test_ctrl_c_while_a_command_is_loaded_is_quiet(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "typer.py").write_text(SLOW_MODULE)
    with started(*words, "--version", PYTHONPATH=str(tmp_path)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=50)
    assert (process.returncode, err) == (130, "")
