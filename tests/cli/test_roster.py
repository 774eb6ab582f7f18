"""Who is on the network, listed from the command line."""

import json
from pathlib import Path

from tests.cli.commands import hundi


def test_clients_and_parties_are_listed_in_pages(database_url: str) -> None:
    made = [
        json.loads(hundi("client", "add", "--name", name, *mode, "--json", url=database_url).stdout)
        for name, mode in (
            ("One", ("--mailbox",)),
            ("Two", ("--endpoint", "https://erp.example.com/hundi")),
        )
    ]
    first, second = sorted(one["clientId"] for one in made)
    party = ("party", "add", "--client", made[0]["clientId"], "--name", "Loom", "--pan")
    assert hundi(*party, "ZZZCI2701K", url=database_url).returncode == 0
    listed = hundi("client", "list", "--limit", "1", "--json", url=database_url)
    page = json.loads(listed.stdout)
    assert [one["clientId"] for one in page["clients"]] == [page["after"]] == [first]
    rest = json.loads(hundi("client", "list", "--after", first, "--json", url=database_url).stdout)
    assert [one["clientId"] for one in rest["clients"]] == [second]
    assert rest["after"] is None
    everything = hundi("client", "list", url=database_url).stdout
    for one in made:
        assert one["clientSecret"] not in everything + listed.stdout
    parties = json.loads(hundi("party", "list", "--json", url=database_url).stdout)["parties"]
    assert [(p["b2bId"], p["clientId"], p["active"], p["level"]) for p in parties] == [
        ("ZZZCI2701K@BCB", made[0]["clientId"], True, 3)
    ]
    head, row = hundi("party", "list", url=database_url).stdout.splitlines()
    assert (head.split()[0], row.split()[0]) == ("b2bId", "ZZZCI2701K@BCB")
    assert " yes " in row


def test_a_list_makes_nothing_and_tells_when_it_is_empty(tmp_path: Path, sqlite_url: str) -> None:
    told = hundi("client", "list", url=f"sqlite:///{tmp_path}/none.db")
    assert (told.returncode, list(tmp_path.glob("none*"))) == (2, [])
    assert hundi("db", "upgrade", url=sqlite_url).returncode == 0
    empty = hundi("party", "list", url=sqlite_url)
    assert (empty.returncode, empty.stdout, empty.stderr) == (0, "", "no parties\n")
