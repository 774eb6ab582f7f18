"""The command line as a person and a script use it: results, refusals, exit codes."""

import asyncio
import json
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from hundi import __version__
from hundi.cli.database import without_password
from hundi.kernel.lifetimes import lifetimes_from
from hundi.kernel.settings import ServeSettings
from hundi.serving.process import announcement
from hundi.store.engine import Transaction
from hundi.store.migrate import upgrade
from hundi.store.opening import open_database
from hundi.store.sqlite import connect
from tests.cli.commands import cold, hundi
from tests.postgres import Cluster


def test_version() -> None:
    assert cold("--version", url="").stdout == f"hundi {__version__}\n"


def test_the_help_names_the_whole_trade() -> None:
    told = " ".join(hundi("--help", url="").stdout.split())
    for word in ("orders, invoices, payments and bids", "Play a whole trade"):
        assert word in told


@pytest.mark.parametrize("group", ["", "client", "party", "db", "journal", "secrets"])
def test_no_help_is_cut_in_the_middle_of_a_sentence(group: str) -> None:
    told = hundi(*group.split(), "--help", url="", COLUMNS="80").stdout
    assert [line for line in told.splitlines()[1:] if "..." in line] == []


def test_a_database_that_is_made_by_the_way_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    made = hundi("client", "add", "--name", "ERP", "--mailbox", url=url)
    assert made.returncode == 0
    assert str(tmp_path / "new.db") in made.stderr
    assert hundi("client", "add", "--name", "ERP", "--mailbox", url=url).stderr == ""


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Secrets are sealed in it; orders and prices are not. A mode that the operator gave stays."""
    path = tmp_path / "new.db"
    url = f"sqlite:///{path}"
    old = os.umask(0o022)
    try:
        upgrade(url)
        with closing(connect(str(path))) as connection:
            connection.execute("begin immediate")
            connection.execute("update alembic_version set version_num = version_num")
            connection.execute("commit")
            modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    finally:
        os.umask(old)
    assert modes == dict.fromkeys(("new.db", "new.db-wal", "new.db-shm"), 0o600)
    path.chmod(0o640)
    upgrade(url)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://a:b%40c:d@h1:5432,h2/x", "postgresql://a:***@h1:5432,h2/x"),
        ("postgresql://a@h/x?password=b@/c&y=z", "postgresql://a@h/x?password=***&y=z"),
        ("postgresql://a@h/x?sslpassword=b&y=z", "postgresql://a@h/x?sslpassword=***&y=z"),
        ("postgresql://h1:5432/x?user=a@b", "postgresql://h1:5432/x?user=a@b"),
        ("sqlite:///hundi.db", "sqlite:///hundi.db"),
    ],
)
def test_a_database_is_named_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_client_and_its_party(database_url: str) -> None:
    made = hundi("client", "add", "--name", "ERP", "--mailbox", "--json", url=database_url)
    assert made.returncode == 0, made.stderr
    client = json.loads(made.stdout)
    assert set(client) == {"clientId", "clientSecret", "username", "password", "webhookSecret"}
    assert client["webhookSecret"].startswith("whsec_")
    party = ("party", "add", "--client", client["clientId"], "--name", "Loom", "--pan")
    added = hundi(*party, "ZZZCI2701K", "--json", url=database_url)
    assert json.loads(added.stdout) == {"b2bId": "ZZZCI2701K@BCB"}
    again = hundi(*party, "ZZZCI2701K", "--json", url=database_url)
    assert again.returncode == 2
    assert json.loads(again.stderr)["error"]["code"] == "PARTY-TAKEN"
    assert again.stdout == ""
    settings = ("party", "set", "--b2b-id", "ZZZCI2701K@BCB", "--deemed-acceptance-days", "15")
    assert hundi(*settings, url=database_url).stdout.splitlines()[2].split()[1] == "15"
    more = hundi(*settings[:4], "--enterprise", "micro", "--json", url=database_url)
    assert json.loads(more.stdout) == {
        "b2bId": "ZZZCI2701K@BCB",
        "enterprise": "micro",
        "deemedAcceptanceDays": 15,
        "overDelivery": None,
    }
    wrong = hundi(*settings[:4], "--over-delivery", "much", "--json", url=database_url)
    assert json.loads(wrong.stderr)["error"]["code"] == "PARTY-SETTING"


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ("http://erp.example.com/hundi", ("https://", "`hundi serve --dev`")),
        ("http://127.0.0.1:9000", ("https://", "`hundi serve --dev`")),
        ("https://127.0.0.1/hundi", ("a loopback address", "`hundi serve --dev`")),
        ("https://[::1]:9000", ("a loopback address", "`hundi serve --dev`")),
        ("https://erp.example.com:80", ("port 80", "`hundi serve --dev`")),
        ("https://10.0.0.5/hundi", ("a private address", "with or without --dev")),
        ("https://169.254.169.254/", ("a link-local address", "with or without --dev")),
    ],
)
def test_an_endpoint_that_will_not_be_called_is_told_at_once(
    sqlite_url: str, endpoint: str, says: tuple[str, str]
) -> None:
    add = ("client", "add", "--name", "ERP", "--endpoint", endpoint)
    plain, as_json = hundi(*add, url=sqlite_url), hundi(*add, "--json", url=sqlite_url)
    assert (plain.returncode, as_json.returncode) == (0, 0)
    assert plain.stdout.startswith("clientId")
    assert json.loads(as_json.stdout)["clientId"]
    assert plain.stderr.startswith("hundi: warning: The endpoint ")
    assert plain.stderr.count("\n") == 1
    warning = json.loads(as_json.stderr)["warning"]
    assert warning["code"] == "CLIENT-ENDPOINT"
    for text in (plain.stderr, warning["detail"]):
        assert [word for word in says if word not in text] == []


def test_a_client_is_set_and_its_secret_rotated(sqlite_url: str) -> None:
    made = hundi("client", "add", "--name", "ERP", "--mailbox", "--json", url=sqlite_url)
    client = ("--client", json.loads(made.stdout)["clientId"])
    settings = ("--endpoint", "http://127.0.0.1:9", "--header", "X-Key: s3cret", "--json")
    told = hundi("client", "set", *client, *settings, url=sqlite_url)
    shown = json.loads(told.stdout)
    assert (shown["mode"], shown["headers"]) == ("endpoint", "X-Key")
    assert shown["emptyMeansSuccess"] is False
    assert json.loads(told.stderr)["warning"]["code"] == "CLIENT-ENDPOINT"
    assert "s3cret" not in told.stdout + told.stderr
    rotated = hundi("client", "rotate-secret", *client, "--json", url=sqlite_url)
    assert json.loads(rotated.stdout)["webhookSecret"].startswith("whsec_")
    bad = hundi("client", "set", *client, "--header", "Host: s3cret", "--json", url=sqlite_url)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert json.loads(bad.stderr)["error"]["code"] == "CLIENT-HEADER"
    assert "s3cret" not in bad.stderr


def test_an_endpoint_that_may_be_called_needs_no_word(sqlite_url: str) -> None:
    endpoint = ("--endpoint", "https://erp.example.com/hundi")
    made = hundi("client", "add", "--name", "ERP", *endpoint, url=sqlite_url)
    assert (made.returncode, made.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("client", "add", "--name", "x"), 2, "--mailbox"),
        (("client", "add", "--name", "x", "--mailbox", "--endpoint", "http://x"), 2, "either"),
        (("client", "add", "--name", "x", "--endpoint", "nonsense"), 2, "base URL"),
        (("client", "add", "--name", "x", "--endpoint", "http://a b/"), 2, "without blanks"),
        (("client", "set", "--client", "x", "--mailbox", "--endpoint", "http://x"), 2, "either"),
        (("client", "set", "--client", "x", "--header", "A: b", "--no-headers"), 2, "either"),
        (("client", "rotate-secret", "--client", "x"), 2, "hundi client add"),
        (("serve", "--role", "boss"), 2, "dispatcher"),
        (("serve", "--role", "api"), 2, "PostgreSQL"),
        (("simulate", "--port", "0", "--credentials", "/nowhere"), 2, "/nowhere"),
        (("dance",), 2, "dance"),
        (("serve", "--host", "no.such.name.invalid"), 2, "no.such.name.invalid:8080: Name or"),
        (("party", "add", "--client", "\udcff", "--name", "x", "--pan", "ZZZCI2701K"), 2, "UTF-8"),
    ],
)
def test_a_mistake_is_a_sentence_and_no_traceback(
    sqlite_url: str, arguments: tuple[str, ...], code: int, says: str
) -> None:
    told = hundi(*arguments, url=sqlite_url)
    assert told.returncode == code
    assert says in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10", "'10' is no time to live"),
        ("purchase-order/req-dance=3d", "no message purchase-order/req-dance waits"),
        ("payment/req-pay=3d", "no message payment/req-pay waits"),
    ],
)
def test_a_time_to_live_that_cannot_be_is_told_at_the_start(
    sqlite_url: str, text: str, says: str
) -> None:
    told = hundi("serve", "--port", "0", url=sqlite_url, HUNDI_TIME_TO_LIVE=text)
    assert told.returncode == 2
    assert says in told.stderr
    assert "Traceback" not in told.stderr


def test_a_database_that_cannot_be_used_is_told() -> None:
    wrong = hundi("db", "upgrade", url="nonsense")
    gone = hundi("db", "upgrade", url="postgresql://nobody@127.0.0.1:1/none")
    assert (wrong.returncode, gone.returncode) == (2, 1)
    assert "postgresql://" in wrong.stderr
    assert "Traceback" not in wrong.stderr + gone.stderr


def test_a_database_that_could_not_be_made_is_not_told_as_made() -> None:
    told = hundi("client", "add", "--name", "x", "--mailbox", url="sqlite:////sys/x.db")
    assert told.returncode == 1
    assert "cannot be used" in told.stderr
    assert "made" not in told.stderr


def test_a_file_that_is_no_database_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database\n" * 100)
    url = f"sqlite:///{tmp_path}/x.db"
    for command in (("invariants",), ("db", "upgrade"), ("party", "list")):
        told = hundi(*command, url=url)
        assert (told.returncode, "file is not a database" in told.stderr) == (1, True), command


def test_a_newer_database_is_told(database_url: str) -> None:
    assert hundi("db", "upgrade", url=database_url).returncode == 0

    async def later() -> None:
        database = await open_database(database_url, lambda: 0)
        change = sa.text("update alembic_version set version_num = '9999'")
        await database.write(lambda tx: tx.execute(change))
        await database.close()

    asyncio.run(later())
    told = hundi("db", "upgrade", url=database_url)
    assert told.returncode == 0
    assert "newer than this version (9999; this one knows 00" in told.stdout


def test_another_programs_database_is_refused(tmp_path: Path, postgres: Cluster) -> None:
    file = tmp_path / "x.db"
    for url in (f"sqlite:///{file}", postgres.create("hundi_foreign")):
        asyncio.run(_made_by_another(url))
        serve = ("serve", "--dev", "--port", "0")
        for command in (("db", "upgrade", "--keep-clear"), serve, ("party", "list")):
            told = hundi(*command, url=url)
            assert (told.returncode, told.stdout) == (2, ""), command
            assert "no database of Hundi" in told.stderr
            assert "Traceback" not in told.stderr
    postgres.drop("hundi_foreign")


async def _made_by_another(url: str) -> None:
    database = await open_database(url, lambda: 0)

    async def make(tx: Transaction) -> None:
        await tx.execute(sa.text("create table alembic_version (version_num varchar(32))"))
        await tx.execute(sa.text("insert into alembic_version values ('ae1027a6acf')"))

    await database.write(make)
    await database.close()


def test_serving_says_which_file_and_that_it_is_new_or_newer(tmp_path: Path) -> None:
    """Told as it starts, before a host without an address ends it."""
    file = tmp_path / "folder" / "x.db"
    serve = ("serve", "--dev", "--host", "no.such.name.invalid")
    first = hundi(*serve, url=f"sqlite:///{file}")
    assert f"A new one was made: {file}" in first.stderr
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("update alembic_version set version_num = '9999'")
    second = hundi(*serve, url=f"sqlite:///{file}")
    assert "made" not in second.stderr
    assert "newer than this version (9999; this one knows 00" in second.stderr
    settings = ServeSettings(f"sqlite:///{file}", "127.0.0.1", 1, "all", True, lifetimes_from(""))
    assert str(file) in announcement(settings)


def test_a_database_without_tables_says_what_to_do(tmp_path: Path, postgres_url: str) -> None:
    bare = postgres_url.rsplit("/", 1)[0] + "/postgres"
    told = hundi("client", "add", "--name", "x", "--mailbox", url=bare)
    assert told.returncode == 2
    assert "hundi db upgrade" in told.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("client", "add"), "Missing option '--name'."),
        (("client", "add", "--name", "x", "--mailbox", "--endpoint", "http://a"), "--mailbox"),
        (("nonsense",), "No such command 'nonsense'."),
    ],
)
def test_a_wrong_use_is_told_as_json_where_that_is_asked_for(
    words: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/none.db"
    ran = hundi(*words, "--json", url=url)
    assert (ran.returncode, ran.stdout) == (2, "")
    error = json.loads(ran.stderr)["error"]
    assert (error["code"], told in error["detail"]) == ("CLI-UNUSABLE", True)
    assert "Usage:" in hundi(*words, url=url).stderr


def test_a_lender_is_named(database_url: str) -> None:
    made = hundi("client", "add", "--name", "Lender", "--mailbox", "--json", url=database_url)
    client = json.loads(made.stdout)
    party = ("party", "add", "--client", client["clientId"], "--name", "Lender", "--pan")
    hundi(*party, "ZZZCF0701L", "--json", url=database_url)
    named = ("party", "financier", "--b2b-id", "ZZZCF0701L@BCB", "--fa-id", "FA-PRETEND", "--json")
    told = hundi(*named, "--financier-id", "LENDER-A", url=database_url)
    assert told.returncode == 0
    again = (*named, "--financier-id", "LENDER-A", "--ifsc", "FICT0000027", "--account", "XX0701")
    assert hundi(*again, url=database_url).returncode == 0
    for ifsc, account, wrong in (
        ("BADIFSC", "XX0701", ["ifsc"]),
        ("", "XX0701", ["ifsc"]),
        ("FICT0000027", "1234567890120701", ["account"]),
        ("FICT0000027", "", ["account"]),
    ):
        bad = (*named, "--financier-id", "LENDER-A", "--ifsc", ifsc, "--account", account)
        told = hundi(*bad, url=database_url)
        assert (told.returncode, told.stdout) == (2, "")
        faults = json.loads(told.stderr)["error"]["faults"]
        assert [one["path"] for one in faults] == wrong
        assert faults[0]["code"] == "PARTY-ACCOUNT"
        assert "123456789" not in told.stderr


def test_the_operator_switches_ids_and_vouches(database_url: str) -> None:
    made = hundi("client", "add", "--name", "ERP", "--mailbox", "--json", url=database_url)
    client = json.loads(made.stdout)["clientId"]
    party = ("party", "add", "--client", client, "--name", "Loom", "--pan", "ZZZCI2701K")
    assert hundi(*party, "--level", "1", url=database_url).returncode == 0
    known = ("--b2b-id", "ZZZCI2701K@BCB", "--json")
    off = hundi("party", "deactivate", *known, url=database_url)
    assert json.loads(off.stdout) == {"b2bId": "ZZZCI2701K@BCB", "state": "INACTIVE"}
    on = hundi("party", "activate", *known, url=database_url)
    assert json.loads(on.stdout)["state"] == "ACTIVE"
    level = hundi("party", "level", *known, "--level", "2", url=database_url)
    assert json.loads(level.stdout) == {"b2bId": "ZZZCI2701K@BCB", "level": 2}
    wrong = hundi("party", "level", *known, "--level", "4", url=database_url)
    assert wrong.returncode == 2
    for verb in (("deactivate",), ("activate",), ("level", "--level", "1")):
        told = hundi("party", *verb, "--b2b-id", "NOBODY@BCB", "--json", url=database_url)
        assert told.returncode == 2
        assert json.loads(told.stderr)["error"]["code"] == "PARTY-UNKNOWN"
