"""Keys of secrets on the command line: made, missing, wrong, changed; and who may call."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from hundi.store.migrate import upgrade
from tests.cli.commands import bare, hundi
from tests.keys import KEY
from tests.store.test_migrations import _write_old

OTHER = "hsk_" + "B" * 42 + "A"


ADD = ("client", "add", "--name", "ERP", "--mailbox", "--json")


def test_a_new_key_is_all_that_is_printed() -> None:
    first, second = (bare("secrets", "key", url="").stdout for _ in range(2))
    assert first.startswith("hsk_")
    assert first.count("\n") == 1
    assert first != second
    assert json.loads(bare("secrets", "key", "--json", url="").stdout)["key"].startswith("hsk_")


def test_a_sqlite_file_has_a_key_beside_it_for_development_only(sqlite_url: str) -> None:
    assert bare(*ADD, url=sqlite_url).returncode == 0
    file = Path(sqlite_url.removeprefix("sqlite:///") + ".key")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    served = bare("serve", "--port", "0", url=sqlite_url)
    assert served.returncode == 2
    assert str(file) in served.stderr
    assert "export HUNDI_SECRET_KEYS=" in served.stderr
    again = bare(*ADD, url=sqlite_url, HUNDI_SECRET_KEYS_FILE=str(file))
    assert again.returncode == 0, again.stderr
    file.unlink()
    lost = bare(*ADD, url=sqlite_url)
    assert lost.returncode == 2
    assert "sealed under key" in lost.stderr
    assert not file.exists(), "no second key beside what is sealed under another"


def test_postgresql_asks_for_a_key(postgres_url: str) -> None:
    for command in (ADD, ("serve", "--dev"), ("serve", "--role", "dispatcher")):
        ran = bare(*command, url=postgres_url)
        assert ran.returncode == 2
        assert "hundi secrets key" in ran.stderr
        assert "Traceback" not in ran.stderr


def test_another_key_than_the_stores_is_told(database_url: str) -> None:
    assert hundi(*ADD, url=database_url).returncode == 0
    wrong = {"url": database_url, "HUNDI_SECRET_KEYS": OTHER}
    for command in (ADD, ("serve", "--port", "0"), ("secrets", "rotate")):
        ran = hundi(*command, **wrong)
        assert ran.returncode == 2, ran.stdout
        assert "is not among those given" in ran.stderr
        assert OTHER not in ran.stderr
    rotated = hundi(
        "secrets", "rotate", "--json", url=database_url, HUNDI_SECRET_KEYS=f"{OTHER},{KEY}"
    )
    assert json.loads(rotated.stdout)["sealedAnew"] == 1
    assert hundi(*ADD, **wrong).returncode == 0, "the old key is not needed any more"


def test_a_wrong_key_replaces_no_secret(database_url: str) -> None:
    """Nothing changes under a key that the server has not; with the word that the old one is lost it does."""
    whose = ("--client", json.loads(hundi(*ADD, url=database_url).stdout)["clientId"], "--json")
    rotate, sets = ("client", "rotate-secret", *whose), ("client", "set", *whose)
    header = (*sets, "--header", "X-Key: s3cret")
    wrong = {"url": database_url, "HUNDI_SECRET_KEYS": OTHER}
    for command in (rotate, header):
        ran = hundi(*command, **wrong)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "is not among those given" in ran.stderr
        assert "--key-lost" in ran.stderr
    assert hundi("secrets", "rotate", url=database_url).returncode == 0, "all is as it was"
    assert hundi(*sets, "--no-headers", **wrong).returncode == 0, "nothing is sealed by it"
    told = hundi(*rotate, "--key-lost", **wrong)
    assert json.loads(told.stdout)["previousUntil"] is None, told.stderr
    assert hundi(*header, "--key-lost", **wrong).returncode == 0
    assert hundi(*rotate, **wrong).returncode == 0, "its key is the store's now"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HUNDI_SECRET_KEYS", "hunter2-hunter2", "word 1 is no key"),
        ("HUNDI_RATE_LIMITS", "writes=5", "no limit"),
        ("HUNDI_TRUSTED_PROXIES", "10.0.0.1/8x", "no address"),
    ],
)
def test_a_setting_that_cannot_be_read(sqlite_url: str, name: str, value: str, says: str) -> None:
    ran = hundi("serve", "--port", "0", url=sqlite_url, **{name: value})
    assert ran.returncode == 2
    assert says in ran.stderr
    assert "hunter2" not in ran.stderr


def test_a_file_of_keys_that_cannot_be_read(sqlite_url: str, tmp_path: Path) -> None:
    ran = bare(*ADD, url=sqlite_url, HUNDI_SECRET_KEYS_FILE=str(tmp_path / "none"))
    assert ran.returncode == 2
    assert "cannot be read" in ran.stderr
    both = bare(*ADD, url=sqlite_url, HUNDI_SECRET_KEYS_FILE="x", HUNDI_SECRET_KEYS=KEY)
    assert both.returncode == 2


def test_upgrading_seals_what_the_version_before_left_in_clear(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    upgrade(url, "0006")
    asyncio.run(_write_old(url))
    with sa.create_engine(url).begin() as connection:
        connection.execute(sa.text("update client set webhook_secret = 'whsec_in-clear'"))
    kept = hundi("db", "upgrade", "--keep-clear", "--json", url=url)
    assert json.loads(kept.stdout) == {"database": "up to date", "at": url}
    assert b"whsec_in-clear" in (tmp_path / "old.db").read_bytes()
    told = hundi("db", "upgrade", "--json", url=url)
    assert json.loads(told.stdout)["sealedSecrets"] == 1
    assert b"whsec_in-clear" not in b"".join(one.read_bytes() for one in tmp_path.iterdir())


def test_who_may_call(database_url: str) -> None:
    client = json.loads(hundi(*ADD, url=database_url).stdout)
    whose = ("--client", client["clientId"], "--json")

    def told(*words: str) -> dict[str, str]:
        ran = hundi("client", words[0], *whose, *words[1:], url=database_url)
        assert ran.returncode == 0, ran.stderr
        found: dict[str, str] = json.loads(ran.stdout)
        return found

    assert told("disable")["access"] == "disabled"
    assert told("enable")["access"] == "enabled"
    assert told("revoke-tokens")["revokedTokens"] == 0
    assert told("rotate-credentials")["clientSecret"] != client["clientSecret"]
    assert told("limit", "--messages", "5/9")["messages"] == "5/9"
    assert told("unlock", "--address", "192.0.2.1")["failures"] == "forgotten"
    wrong = hundi("client", "limit", *whose, "--reads", "0", url=database_url)
    assert wrong.returncode == 2
    assert "is no rate" in wrong.stderr
