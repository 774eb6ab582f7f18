"""Writes the dashboard and the alert rules from the code. Run by `make reference`."""

import json
from pathlib import Path

import yaml

from hundi.observing.alerts import rules
from hundi.observing.dashboard import dashboard

FOLDER = Path(__file__).parent

_INTRODUCTION = """# Alert rules of Prometheus, from the objectives in src/hundi/observing/objectives.py and the
# symptoms in alerts.py beside it. Written by `make reference`; see docs/guide/observing.md.
"""


def files() -> dict[str, str]:
    """Text of every generated file by its path below this folder."""
    alerts = yaml.safe_dump(rules(), sort_keys=False, width=100)
    return {
        "grafana/hundi.json": json.dumps(dashboard(), indent=2) + "\n",
        "prometheus/alerts.yaml": _INTRODUCTION + alerts,
    }


def main() -> None:
    """Write them."""
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
