"""Adding clients and parties: what is refused, in words that a person can act on."""

from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random

import pytest

from hundi.kernel.clock import wall_clock
from hundi.kernel.faults import RefusedError
from hundi.parties.operations import NewParty, add_client, add_party
from hundi.store.engine import Database
from hundi.store.opening import open_database
from tests.keys import KEYRING

RANDOM = Random(4).randbytes
GOOD = NewParty(client_id="", name="Loom", pan="ZZZCI2701K", gstin="27ZZZCI2701K1Z0", b2b_id=None)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(database_url, wall_clock)
    yield opened
    await opened.close()


async def _client(database: Database) -> str:
    made = await add_client(database, name="ERP", endpoint=None, random=RANDOM, keyring=KEYRING)
    return made.client_id


async def test_a_pan_becomes_the_default_id_and_takes_further_ones(database: Database) -> None:
    party = replace(GOOD, client_id=await _client(database))
    assert await add_party(database, party, RANDOM) == "ZZZCI2701K@BCB"
    further = replace(party, b2b_id="ZZZCI2701K.PUNE@BCB")
    assert await add_party(database, further, RANDOM) == "ZZZCI2701K.PUNE@BCB"


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"name": " "}, "PARTY-NAME", "name"),
        ({"pan": "ABC"}, "PARTY-PAN", "pan"),
        ({"gstin": "27ZZZCI2701K1Z1"}, "PARTY-GSTIN", "gstin"),
        ({"gstin": "33ZZZFM3301Q1ZN"}, "PARTY-GSTIN", "gstin"),
        ({"b2b_id": "no at sign"}, "PARTY-B2B-ID", "b2bId"),
        ({"client_id": "CEK0000000"}, "CLIENT-UNKNOWN", "client"),
    ],
)
async def test_a_bad_party_is_refused(
    database: Database, change: dict[str, str], code: str, path: str
) -> None:
    party = replace(GOOD, **{"client_id": await _client(database), **change})
    with pytest.raises(RefusedError) as refusal:
        await add_party(database, party, RANDOM)
    assert (code, path) in {(f.code, f.path) for f in refusal.value.faults}


async def test_an_id_and_a_gstin_belong_to_one(database: Database) -> None:
    party = replace(GOOD, client_id=await _client(database))
    await add_party(database, party, RANDOM)
    with pytest.raises(RefusedError) as refusal:
        await add_party(database, party, RANDOM)
    assert refusal.value.faults[0].code == "PARTY-TAKEN"


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "erp",
        "ftp://erp.example",
        "https://",
        "https://u:p@erp.example",
        "http://x?y",
        "http://a b/",
        "http://a/\\b",
        "http://a\u00a0b/",
    ],
)
async def test_a_bad_endpoint_is_refused(database: Database, endpoint: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        await add_client(database, name="ERP", endpoint=endpoint, random=RANDOM, keyring=KEYRING)
    assert refusal.value.faults[0].code == "CLIENT-ENDPOINT"
