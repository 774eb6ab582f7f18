"""Names in a sentence: all of a few, the first of many and how many follow."""

from collections.abc import Sequence

NAMED = 5


def listed(names: Sequence[str]) -> str:
    """`A, B and C`; of more than five the first five: `A, B, C, D, E and 20 more`."""
    shown = list(names[:NAMED])
    if len(names) > NAMED:
        return f"{', '.join(shown)} and {len(names) - NAMED:,} more"
    return " and ".join([*([", ".join(shown[:-1])] if len(shown) > 1 else []), *shown[-1:]])
