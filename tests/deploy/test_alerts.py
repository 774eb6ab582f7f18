"""The alert rules and a panel over time, as Prometheus' own tool plays them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY

PROMTOOL = shutil.which("promtool")
CASES = Path(__file__).with_name("alerts.yaml")


pytestmark = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed: Debian's prometheus has it"
)


def test_rules_fire_when_they_should_and_not_else() -> None:
    play(CASES)


def test_the_panel_of_processes_counts_those_behind_one_port_alike(tmp_path: Path) -> None:
    """Two ports, four processes; the one that stands alone does not reach the database."""
    board = json.loads((DEPLOY / "grafana" / "hundi.json").read_text())
    [panel] = [one for one in board["panels"] if one["title"] == "Processes"]
    there, reaching, answering = (target["expr"] for target in panel["targets"])
    workers = [f'job="h",instance="a",worker="{name}"' for name in ("api-1", "api-2", "dispatcher")]
    series = {f'hundi_build_info{{version="1",database="p",{one}}}': 1 for one in workers}
    series |= {f"hundi_worker_up{{{one}}}": 1 for one in workers}
    series['hundi_build_info{version="1",database="p",job="h",instance="b"}'] = 1
    series |= {
        f'hundi_database_up{{job="h",instance="{at}"}}': up for at, up in (("a", 1), ("b", 0))
    }
    expected = ((there, '{version="1",database="p"}', 4), (reaching, "{}", 3), (answering, "{}", 3))
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": f"{at}x5"} for name, at in series.items()],
        "promql_expr_test": [
            {"expr": expr, "eval_time": "1m", "exp_samples": [{"labels": labels, "value": value}]}
            for expr, labels, value in expected
        ],
    }
    file = tmp_path / "panel.yaml"
    file.write_text(json.dumps({"tests": [case]}))
    play(file)


def play(cases: Path) -> None:
    played = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(cases)],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert played.returncode == 0, played.stdout + played.stderr
