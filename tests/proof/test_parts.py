"""Parts of a few seconds, with the smallest numbers: the same code that takes hours."""

from pathlib import Path

import pytest

from proof.__main__ import main


@pytest.mark.parametrize(
    "name",
    ["simulation", "trades", "financings", "schedule", "tenants", "tampering", "keys", "race"],
)
def test_a_part_reaches_its_figures(name: str, tmp_path: Path) -> None:
    arguments = [name, "--tiny", "--database", "sqlite", "--into", str(tmp_path)]
    assert main(arguments) == 0, (tmp_path / "REPORT.md").read_text()
