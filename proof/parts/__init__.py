"""The parts, in the order in which they run. A part is one file here and one name below."""

from proof.part import Part
from proof.parts import sequences, simulation

PARTS: tuple[Part, ...] = (
    simulation.PART,
    sequences.TRADES,
    sequences.FINANCINGS,
)
