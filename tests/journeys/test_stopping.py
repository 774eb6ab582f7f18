"""A network that is stopped while it is called: nobody is cut off, nothing is lost or sent twice."""

from hundi.simulator import story
from tests.journeys.crowd import calling, doubled, settled
from tests.journeys.traders import network, trading


def test_a_network_is_stopped_under_load_and_serves_again(database_url: str) -> None:
    with network(database_url) as (stage, address, [process]):
        port = int(address.rpartition(":")[2])
        with (
            trading(stage, address, story.BUYER, story.SUPPLIER) as traders,
            calling(*traders, [port]) as crowd,
        ):
            for _ in range(3):
                crowd.busy(20)
                process.stop()
                process.start(f"{address}/readyz")
            crowd.busy(5)
            crowd.rest()
            settled(crowd, database_url, killed=False)
    assert (crowd.errors, crowd.cut) == ([], [])
    assert crowd.refused > 0, "it was away, and whoever called then was told so at once"
    assert doubled(crowd.supplier) + doubled(crowd.buyer) == 0
