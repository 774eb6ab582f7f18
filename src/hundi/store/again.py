"""Outcomes of a batch's member that has none yet: it is to be judged afresh in another batch."""


class Again:
    """The outcome of a member that comes in once more."""


AGAIN = Again()
"""It lost a race inside the batch. It comes behind those that wait, and not for ever."""

LATER = Again()
"""There was no room for it. It comes before those that wait, until its patience ends: whoever says so
must take the first member of every batch that would otherwise have none."""
