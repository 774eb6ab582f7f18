"""The parts, in the order in which they run. A part is one file here and one name below."""

from proof.part import Part
from proof.parts import (
    answers,
    backup,
    clock,
    disabled,
    egress,
    failover,
    fleet,
    keys,
    kill,
    order,
    powercut,
    race,
    schedule,
    sequences,
    simulation,
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
    answers.PART,
    schedule.PART,
    egress.PART,
    order.PART,
    disabled.PART,
    fleet.PART,
    failover.PART,
    simulation.PART,
    sequences.TRADES,
    sequences.FINANCINGS,
)
