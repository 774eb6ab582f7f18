"""The README's first request and the guide of the trade, pasted into a shell as a newcomer does."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hundi.cli.stage import Stage, free_port
from tests.house.sources import ROOT

INVOICE = "INV5E840D188D07798C37A953AA9EC3A444"


def blocks(page: str) -> list[str]:
    """The shell blocks of a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def pasted(scripts: list[str], *, port: int, folder: Path, url: str) -> str:
    """What the shell prints; nothing may fail."""
    (folder / "docs").symlink_to(ROOT / "docs")
    (folder / ".venv").symlink_to(sys.prefix)
    script = "set -euo pipefail\n" + "\n".join(scripts).replace(":8080", f":{port}")
    ran = subprocess.run(
        ["bash", "-c", script], cwd=folder, env={**os.environ, "HUNDI_DATABASE_URL": url},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.timeout(180)
def test_the_readme_and_the_trade_work_when_pasted(tmp_path: Path) -> None:
    first, trade = blocks("README.md"), blocks("docs/guide/trade.md")
    with Stage(None) as stage:
        port = free_port()
        stage.process("pasted", "serve", "--dev", "--port", str(port)).start(
            f"http://127.0.0.1:{port}/readyz"
        )
        printed = pasted([*first[2:4], *trade], port=port, folder=tmp_path, url=stage.database_url)
    assert "hundi-warnings" in printed.lower()
    page = json.loads(printed[printed.rindex('{"type":"invoice"') :])
    assert (page["objectId"], page["status"]) == (INVOICE, "PARTIALLY PAID")
    assert [one["held"] for one in page["accounts"] if one["name"] == "due"] == ["316765.00"]
    assert '"FAILURE"' not in printed
