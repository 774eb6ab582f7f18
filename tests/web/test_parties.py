"""The B2B IDs that a client serves, over HTTP."""

from functools import partial

from tests.exchange.many import serve
from tests.web.conftest import Net
from tests.web.test_network import V1, checked


async def test_the_ids_that_a_client_serves_come_in_pages(net: Net) -> None:
    served = partial(serve, entities=["e1", "e2"], client_id="buyer")
    await net.stage.database.write(served)
    whole = (await net.get(f"{V1}/parties")).json()
    assert whole["cursor"] is None
    assert len(whole["parties"]) == 3
    pages, after = [], ""
    while after is not None:
        page = checked(await net.get(f"{V1}/parties", limit=1, cursor=after), "NetworkParties")
        pages += page["parties"]
        after = page["cursor"]
    assert pages == whole["parties"]
