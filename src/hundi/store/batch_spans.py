"""Spans of group commit: many traces share one transaction, and each shows its part in it."""

from dataclasses import dataclass
from typing import Protocol

from hundi.observing.spans import Traces
from hundi.store.ran import Ran

_SAMPLED = "-01"


class Traced(Protocol):
    """A member of a batch that may belong to a trace."""

    @property
    def trace(self) -> str | None:
        """The context that it goes on from."""


@dataclass(frozen=True, slots=True)
class BatchSpans:
    """Tells each committed batch: a span of its own, linked with a `queue` and a `name` of each member."""

    traces: Traces
    name: str

    def tell(self, ran: Ran[Traced]) -> None:
        """Begin and end all of them at the moments that the batch has noted."""
        told = [
            (member.trace, since)
            for member, since in ran.decided
            if member.trace is not None and member.trace.endswith(_SAMPLED)
        ]
        if not told:
            return
        batch = self.traces.begin(
            f"{self.name} batch",
            at=ran.began,
            links=[context for context, _ in told],
            attributes={"hundi.batch.members": len(ran.members)},
        )
        batch.end(at=ran.ended)
        for context, since in told:
            self.traces.begin("queue", below=context, at=since).end(at=ran.began)
            part = self.traces.begin(self.name, below=context, at=ran.began, links=[batch.context])
            part.end(at=ran.ended)
