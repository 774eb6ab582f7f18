"""Leases are shared out fairly among receivers."""

from hundi.exchange.leases import lease
from tests.exchange.scene import SERVES, Scene
from tests.exchange.slips import STRANGER, slip


async def test_every_client_gets_its_first_before_any_gets_its_second(stage: Scene) -> None:
    for number in range(5):
        await stage.submit("req-send", slip(f"S{number}"))
    for number in range(2):
        await stage.submit("req-send", slip(f"T{number}", supplier=STRANGER))
    room = dict.fromkeys(SERVES, 10)
    taken = await stage.database.write(lambda tx: lease(tx, room=room, total=4))
    receivers = sorted(one.client_id for one in taken)
    assert receivers == ["stranger", "stranger", "supplier", "supplier"]
