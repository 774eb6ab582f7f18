"""HUNDI_…_FILE: a setting's text from a file."""

from pathlib import Path

import pytest

from hundi.cli.setting_files import BadSettingError, read_setting_files


def test_the_text_of_the_file_is_the_setting(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite:///x.db\n")
    environment = {"HUNDI_DATABASE_URL_FILE": str(tmp_path / "url"), "OTHER_FILE": "/nowhere"}
    read_setting_files(environment)
    assert environment["HUNDI_DATABASE_URL"] == "sqlite:///x.db"
    read_setting_files(environment)  # a process that it starts reads it again


def test_two_different_texts_are_refused_without_showing_them(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("secret-one")
    two = {"HUNDI_DATABASE_URL_FILE": str(tmp_path / "url"), "HUNDI_DATABASE_URL": "secret-two"}
    with pytest.raises(BadSettingError, match="Set one of them") as refused:
        read_setting_files(two)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("held", [b"", b"\n", b"\xff", b"a\0b", b"x" * 70_000, None])
def test_a_file_without_a_text_is_refused(tmp_path: Path, held: bytes | None) -> None:
    if held is not None:
        (tmp_path / "url").write_bytes(held)
    with pytest.raises(BadSettingError, match="HUNDI_DATABASE_URL_FILE"):
        read_setting_files({"HUNDI_DATABASE_URL_FILE": str(tmp_path / "url")})
