"""The README's first request and the guides after it, pasted into a shell as a newcomer does."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hundi.cli.stage import Stage
from tests.house.sources import ROOT
from tests.ports import free_port

INVOICE = "INV5E840D188D07798C37A953AA9EC3A444"


def blocks(page: str) -> list[str]:
    """The shell blocks of a page, in order."""
    return re.findall(
        r"^```sh\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def pasted(scripts: list[str], *, port: int, folder: Path, url: str) -> str:
    """What the shell prints; nothing may fail."""
    for name, target in (("docs", ROOT / "docs"), (".venv", Path(sys.prefix))):
        if not (folder / name).exists():
            (folder / name).symlink_to(target)
    script = "set -euo pipefail\n" + "\n".join(scripts).replace(":8080", f":{port}")
    ran = subprocess.run(
        ["bash", "-c", script], cwd=folder, env={**os.environ, "HUNDI_DATABASE_URL": url},
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.timeout(400)
def test_the_readme_and_the_trade_work_when_pasted(tmp_path: Path) -> None:
    first, trade = blocks("README.md"), blocks("docs/guide/trade.md")
    [refreshed] = blocks("docs/guide/errors.md")
    with Stage(None) as stage:
        port = free_port()
        stage.process("pasted", "serve", "--dev", "--port", str(port)).start(
            f"http://127.0.0.1:{port}/readyz"
        )
        printed = pasted(
            [*first[2:4], *trade, refreshed], port=port, folder=tmp_path, url=stage.database_url
        )
    before, fresh = (
        json.loads((tmp_path / name).read_text()) for name in ("token.json", "fresh-token.json")
    )
    assert fresh.keys() == before.keys()
    assert (fresh["expiresIn"], fresh["refreshToken"] != before["refreshToken"]) == (3600, True)
    assert "hundi-warnings" in printed.lower()
    page = json.loads(printed[printed.rindex('{"type":"invoice"') :])
    assert (page["objectId"], page["status"]) == (INVOICE, "PARTIALLY PAID")
    assert "316765.00" in json.dumps(page["accounts"])
    assert '"FAILURE"' not in printed


def receiver(folder: Path, *, port: int) -> "subprocess.Popen[bytes]":
    """The guide's receiver, on a port of its own."""
    page = (ROOT / "docs/guide/webhooks.md").read_text(encoding="utf-8")
    [source] = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (folder / "receiver.py").write_text(source.replace("9000", str(port)), encoding="utf-8")
    started = subprocess.Popen(
        [sys.executable, "receiver.py", "erp.json"], cwd=folder, stderr=subprocess.DEVNULL
    )
    for _ in range(600):
        with socket.socket() as knocking:
            if knocking.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    return started


def patient(script: str) -> str:
    """A script that waits for the status of which the guide tells, as its reader would look again."""
    sent, asked = script.split("sleep 1\n")
    look = f"({asked.strip()}) | grep 'SENT TO SUPPLIER' > /dev/null"
    return f"{sent}until {look}; do sleep 0.2; done\n{asked}"


@pytest.mark.timeout(400)
def test_webhooks_reach_the_receiver_and_a_business_registers_itself(tmp_path: Path) -> None:
    first, webhooks = blocks("README.md")[2:4], blocks("docs/guide/webhooks.md")
    joining = blocks("docs/guide/onboarding.md")[0]
    erp, port = free_port(), free_port()
    added = webhooks[0].replace("9000", str(erp))
    with Stage(None) as stage:
        stage.process("pasted", "serve", "--dev", "--port", str(port)).start(
            f"http://127.0.0.1:{port}/readyz"
        )
        url = stage.database_url
        pasted([*first, added], port=port, folder=tmp_path, url=url)
        listens = receiver(tmp_path, port=erp)
        try:
            get = [line for line in first[0].splitlines() if line.startswith(("export", "get()"))]
            sent = [*get, patient(webhooks[2]), joining]
            printed = pasted(sent, port=port, folder=tmp_path, url=url)
        finally:
            listens.kill()
            listens.wait()
    assert '"status": "SENT TO SUPPLIER"' in printed
    assert len(re.findall(r'"SUCCESS","response_code":0,"payload":"MSG', printed)) == 2
    assert '"FAILURE"' not in printed
