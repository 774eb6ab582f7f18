"""One process serves a SQLite file, whatever it calls it."""

from pathlib import Path

import pytest

from hundi.store.sqlite import ServingLock


@pytest.mark.parametrize("made", [True, False], ids=["made", "not made yet"])
def test_a_file_is_served_once_under_all_its_names(tmp_path: Path, made: bool) -> None:
    folder, far = tmp_path / "data", tmp_path / "far"
    folder.mkdir()
    file, link = folder / "hundi.db", tmp_path / "linked.db"
    if made:
        file.touch()
    link.symlink_to(file)
    far.symlink_to(folder)
    lock = ServingLock(file)
    assert lock.take()
    for name in (link, far / "hundi.db", folder / ".." / "data" / "hundi.db"):
        assert not ServingLock(name).take(), name
    lock.release()
    again = ServingLock(link)
    assert again.take()
    assert not ServingLock(file).take()
    again.release()
