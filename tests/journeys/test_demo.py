"""The demo's exit code: only a story that was told to its end is a success."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

SECONDS = 300
_PATIENT = """
import sys
from hundi.cli import stage
from hundi.main import main
stage.READY_SECONDS = 240
sys.exit(main())
"""


@pytest.fixture
def demo() -> Iterator[subprocess.Popen[str]]:
    """`hundi demo --once`, at the beginning of its story."""
    command = [sys.executable, "-c", _PATIENT, "demo", "--once"]
    environment = {k: v for k, v in os.environ.items() if k != "HUNDI_DATABASE_URL"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as running:
        assert running.stdout
        while "ERPs are up" not in running.stdout.readline():
            assert running.poll() is None
        yield running
        running.terminate()


def _child(parent: int, word: str) -> int:
    """The process id of a child whose command line holds a word."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            above = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if above == parent and word in words:
                return int(folder.name)
    raise AssertionError(f"no child of {parent} runs {word}")


def test_a_story_cut_short_is_no_success(demo: subprocess.Popen[str]) -> None:
    demo.send_signal(signal.SIGTERM)
    told, _ = demo.communicate(timeout=SECONDS)
    assert demo.returncode == 128 + signal.SIGINT
    assert "nothing is left running" in told


def test_a_network_that_dies_is_told_as_the_reason(demo: subprocess.Popen[str]) -> None:
    os.kill(_child(demo.pid, "serve"), signal.SIGKILL)
    told, _ = demo.communicate(timeout=SECONDS)
    assert demo.returncode == 1
    assert "Broken: " in told
    assert "database" not in told.partition("Broken: ")[2]
