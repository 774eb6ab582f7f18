"""Small breaks of the product, each with the part that has to find it. Add one with every figure."""

from proof.breaks import delivering, guarding, storing
from proof.breaks.breaking import Break

BREAKS: tuple[Break, ...] = (*storing.BREAKS, *delivering.BREAKS, *guarding.BREAKS)
