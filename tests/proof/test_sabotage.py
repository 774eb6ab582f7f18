"""Which breaks are tried: words that name none are a mistake, not an empty proof."""

from pathlib import Path

import pytest

from proof.breaks import BREAKS
from proof.part import MEMORY, Length, MisusedError, Run
from proof.parts.sabotage import ONLY, chosen
from proof.progress import Progress


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(
        part="sabotage", database=MEMORY, length=Length.FULL, seed=1, folder=tmp_path,
        progress=Progress("test"),
    )  # fmt: skip


def test_without_words_all_of_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ONLY, raising=False)
    assert list(chosen(run)) == list(BREAKS)


def test_words_choose_by_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ONLY, "lane has no order, jitter,")
    assert [one.name for one in chosen(run)] == ["a lane has no order", "jitter of a fifth"]


@pytest.mark.parametrize("words", ["lane without end", "jitter, lane without end", "", " , "])
def test_words_that_name_no_break_are_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.setenv(ONLY, words)
    with pytest.raises(MisusedError, match=ONLY):
        chosen(run)
