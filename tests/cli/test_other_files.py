"""Files beside the database: the key of development is made whole or not; each has its own words."""

import errno
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

import pytest

from hundi.cli import app, keys
from hundi.cli.app import run
from hundi.cli.database import UnusableError
from hundi.cli.keys import keys_to_serve
from hundi.cli.tools import Tools
from hundi.kernel.sealing import VARIABLE, Keyring

_DATABASE = "The database cannot be used: "


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("HUNDI_DATABASE_URL", f"sqlite:///{tmp_path}/made/hundi.db")
    return os.environ["HUNDI_DATABASE_URL"]


def _key_for_development(url: str) -> Keyring:
    return keys_to_serve(url, role="all", dev=True)


def _no_links(*_: object) -> NoReturn:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_a_file_system_without_hard_links_keeps_the_key(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", _no_links)
    made = _key_for_development(url)
    assert made
    assert made.newest == _key_for_development(url).newest
    [file] = (tmp_path / "made").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("hundi.db.key", 0o600)


@pytest.mark.parametrize("dangling", [False, True])
def test_a_file_in_the_place_of_the_key_that_holds_none_is_told(
    url: str, tmp_path: Path, *, dangling: bool
) -> None:
    (tmp_path / "made").mkdir()
    file = tmp_path / "made" / "hundi.db.key"
    if dangling:
        file.symlink_to(tmp_path / "nowhere")
    else:
        file.touch()
    with pytest.raises(UnusableError, match=r"hundi\.db\.key is there and holds no key"):
        _key_for_development(url)


def test_the_key_that_another_process_made_meanwhile_counts(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, theirs = tmp_path / "made", f"hsk_{'B' * 42}A"
    publish = keys.publish

    def beaten(part: Path, target: Path) -> None:
        target.write_text(theirs)
        publish(part, target)

    monkeypatch.setattr(keys, "publish", beaten)
    assert _key_for_development(url).newest == keys.keyring_from(theirs).newest
    assert [one.name for one in folder.iterdir()] == ["hundi.db.key"]


def test_the_key_is_on_disk_and_its_name_too(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().suffix)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    assert _key_for_development(url)
    assert synced == [".part", (tmp_path / "made").suffix]


def test_a_key_that_cannot_be_written_is_told_as_such(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UnusableError, match=r"hundi\.db\.key cannot be made: No space left.*HUNDI"):
        _key_for_development(url)
    assert not list((tmp_path / "made").iterdir())


@pytest.mark.parametrize(
    ("file", "code", "says"),
    [
        ("/srv/rules.json", "CLI-FAILED", "/srv/rules.json cannot be used: Permission denied."),
        ("{folder}/hundi.db-wal", "STORE-UNAVAILABLE", _DATABASE),
        ("{folder}/hundi.db", "STORE-UNAVAILABLE", _DATABASE),
        ("{folder}", "STORE-UNAVAILABLE", _DATABASE),
        (None, "STORE-UNAVAILABLE", _DATABASE),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    url: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    file: str | None,
    code: str,
    says: str,
) -> None:
    named = file and file.format(folder=tmp_path / "made")

    error = PermissionError(errno.EACCES, os.strerror(errno.EACCES), named)

    def demo(*, once: bool) -> NoReturn:
        raise error

    nothing: Any = None
    tools = Tools(nothing, nothing, demo, nothing, unservable=KeyError)
    assert run(["demo"], tools) == 1
    assert capfd.readouterr().err.startswith(f"hundi: {says}")
    assert app._failed(error)[0] == code
