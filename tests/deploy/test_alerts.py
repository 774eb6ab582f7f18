"""The alert rules over time, as Prometheus' own tool plays them."""

import shutil
import subprocess
from pathlib import Path

import pytest

PROMTOOL = shutil.which("promtool")
CASES = Path(__file__).with_name("alerts.yaml")


@pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed: Debian's prometheus has it"
)
def test_rules_fire_when_they_should_and_not_else() -> None:
    played = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(CASES)],
        capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert played.returncode == 0, played.stdout + played.stderr
