"""What is told of the way of a message: spans, in one trace an exchange. Who tells knows no exporter.

A context is a `traceparent` text. It is stored with the exchange and its webhooks, so that whoever
leases one later, in whatever process, goes on below the span of its acceptance. Moments are seconds
on the event loop's clock.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol

Attributes = Mapping[str, str | int | bool]


class Role(Enum):
    """On which side of a call a span is."""

    SERVER = "SERVER"
    CLIENT = "CLIENT"
    INTERNAL = "INTERNAL"


class Span(Protocol):
    """Something that has begun."""

    @property
    def context(self) -> str:
        """What is below this span goes on from here."""

    @property
    def recorded(self) -> bool:
        """Whether anybody will see it: the sampler may have left its trace out."""

    def tell(self, attributes: Attributes) -> None:
        """Say more about it. Never a body, a secret, a PAN or an account number."""

    def end(self, *, failed: str = "", at: float | None = None) -> None:
        """It is over, now or at a moment; `failed` is one word, or "" where all went well."""


class Traces(Protocol):
    """Where spans begin."""

    def begin(
        self,
        name: str,
        *,
        role: Role = Role.INTERNAL,
        below: str | None = None,
        at: float | None = None,
        links: Sequence[str] = (),
        attributes: Attributes | None = None,
    ) -> Span:
        """Begin a span below a context (None: in a trace of its own), now or at a moment."""
