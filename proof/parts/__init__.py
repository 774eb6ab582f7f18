"""The parts, in the order in which they run. A part is one file here and one name below."""

from proof.part import Part
from proof.parts import (
    backup,
    clock,
    curve,
    failover,
    fleet,
    full_store,
    keys,
    kill,
    latency,
    powercut,
    race,
    sequences,
    simulation,
    soak,
    starved,
    upgrade,
)

PARTS: tuple[Part, ...] = (
    kill.PART,
    powercut.PART,
    backup.PART,
    keys.PART,
    race.PART,
    starved.PART,
    clock.PART,
    upgrade.PART,
    fleet.PART,
    failover.PART,
    latency.PART,
    soak.PART,
    curve.PART,
    full_store.PART,
    simulation.PART,
    sequences.TRADES,
    sequences.FINANCINGS,
)
