"""The proof's frame: what was seen is kept, shown and judged."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from proof import __main__ as command
from proof import parts, record
from proof.part import (
    MEMORY,
    Figure,
    MisusedError,
    Part,
    ProofError,
    Run,
    at_least,
    at_most,
    none,
    told,
)


def part(name: str, *figures: Figure, error: Exception | None = None) -> Part:
    async def measure(run: Run) -> Sequence[Figure]:
        run.progress.goal("counting", 1)
        run.progress.at(1, "nothing so far")
        run.durability["fsync"] = "on"
        if error is not None:
            raise error
        return figures

    return Part(name=name, promise="It counts.", databases=(MEMORY,), run=measure)


@pytest.fixture
def prove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the command over given parts; its exit code."""

    def run(given: tuple[Part, ...], *arguments: str) -> int:
        monkeypatch.setattr(command, "PARTS", given)
        return command.main(["--tiny", "--into", str(tmp_path), *arguments])

    return run


def test_a_reached_figure_is_reported(prove, tmp_path: Path) -> None:
    assert prove((part("counts", none("lost", 0), told("sent", "5")),)) == 0
    [kept] = json.loads((tmp_path / record.FILE).read_text())
    assert kept["durability"] == {"fsync": "on"}
    page = (tmp_path / "REPORT.md").read_text()
    assert "| lost | 0 | 0 | reached |" in page
    assert "1 of 1" in page


@pytest.mark.parametrize("figure", [none("lost", 1), at_least("acks", 10, seen=9)])
def test_a_missed_figure_is_an_error(prove, tmp_path: Path, figure: Figure) -> None:
    assert prove((part("counts", figure),)) == 1
    assert "**missed**" in (tmp_path / "REPORT.md").read_text()


@pytest.mark.parametrize("error", [ProofError("the disk is gone"), ValueError("the disk is gone")])
def test_a_part_that_stops_is_missed_and_the_others_run(
    prove, tmp_path: Path, error: Exception
) -> None:
    given = (part("stops", error=error), part("counts", none("lost", 0)))
    assert prove(given) == 1
    page = (tmp_path / "REPORT.md").read_text()
    assert "the disk is gone" in page
    assert "| lost | 0 | 0 | reached |" in page


def test_what_did_not_run_keeps_its_last_figures(prove, tmp_path: Path) -> None:
    first, second = part("first", none("lost", 0)), part("second", none("doubled", 0))
    assert prove((first, second)) == 0
    assert prove((first, part("second", none("doubled", 7))), "second") == 1
    page = (tmp_path / "REPORT.md").read_text()
    assert "| lost | 0 | 0 | reached |" in page
    assert "| doubled | 0 | 7 | **missed** |" in page


def test_an_unknown_part_is_told(prove, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        prove((part("counts"),), "count")
    assert ended.value.code == 2
    assert "--list" in capsys.readouterr().err


def test_what_was_asked_for_wrongly_keeps_the_last_figures(prove, tmp_path: Path) -> None:
    assert prove((part("first", none("lost", 0)),)) == 0
    with pytest.raises(MisusedError):
        prove((part("first", error=MisusedError("there is no such break")),))
    assert "| lost | 0 | 0 | reached |" in (tmp_path / "REPORT.md").read_text()


def test_figures_say_what_was_wanted() -> None:
    assert at_most("p99", 25, seen=25, unit="ms") == Figure("p99", "≤ 25 ms", "25 ms", reached=True)
    assert not at_most("p99", 25, seen=25.5, unit="ms").reached


def test_names_are_unique() -> None:
    names = [one.name for one in parts.PARTS]
    assert len(names) == len(set(names))
