"""The parts, in the order in which they run. A part is one file here and one name below."""

from proof.part import Part
from proof.parts import keys, kill, powercut, race, sequences, simulation

PARTS: tuple[Part, ...] = (
    kill.PART,
    powercut.PART,
    keys.PART,
    race.PART,
    simulation.PART,
    sequences.TRADES,
    sequences.FINANCINGS,
)
