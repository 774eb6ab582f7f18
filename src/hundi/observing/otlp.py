"""Spans by OpenTelemetry, sent to a collector by OTLP over HTTP. Loaded only where one is named.

The standard variables hold: `OTEL_EXPORTER_OTLP_ENDPOINT`, `…_TRACES_ENDPOINT`, `…_HEADERS`,
`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` and the rest that the SDK reads.
A collector that is slow or gone costs spans, never a request: they wait in a bounded queue and are
sent by a thread of their own.
"""

import time
from collections.abc import Sequence
from functools import lru_cache

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from hundi import __version__
from hundi.kernel.clock import wall_clock
from hundi.observing.masking import Masking
from hundi.observing.spans import Attributes, Role

_KINDS = {
    Role.SERVER: SpanKind.SERVER,
    Role.CLIENT: SpanKind.CLIENT,
    Role.INTERNAL: SpanKind.INTERNAL,
}
_NANOSECONDS = 1_000_000_000
_NAMELESS = "unknown_service"


class OtelSpan:
    """A span of OpenTelemetry's, as `spans.Span` has it."""

    __slots__ = ("_masking", "_span")

    def __init__(self, span: trace.Span, masking: Masking) -> None:
        self._span = span
        self._masking = masking

    @property
    def context(self) -> str:
        """The text that others go on from."""
        found = self._span.get_span_context()
        return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags & 1:02x}"

    @property
    def recorded(self) -> bool:
        """False where the sampler has left the trace out."""
        return self._span.is_recording()

    def tell(self, attributes: Attributes) -> None:
        """Add attributes; texts are masked as in the log."""
        if self._span.is_recording():
            self._span.set_attributes(_masked(attributes, self._masking))

    def end(self, *, failed: str = "", at: float | None = None) -> None:
        """End it, now or at a moment of the event loop's clock."""
        if failed:
            self._span.set_status(Status(StatusCode.ERROR, self._masking.text(failed)))
        self._span.end(None if at is None else _wall(at))


class OtelTraces:
    """Begins spans with a provider's tracer."""

    def __init__(self, provider: TracerProvider, masking: Masking) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("hundi", __version__)
        self._masking = masking

    def begin(
        self,
        name: str,
        *,
        role: Role = Role.INTERNAL,
        below: str | None = None,
        at: float | None = None,
        links: Sequence[str] = (),
        attributes: Attributes | None = None,
    ) -> OtelSpan:
        """Begin a span; whether its trace is kept is the sampler's to say."""
        span = self._tracer.start_span(
            name,
            context=_context(below),
            kind=_KINDS[role],
            attributes=_masked(attributes or {}, self._masking),
            links=[Link(_remote(one)) for one in links],
            start_time=None if at is None else _wall(at),
        )
        return OtelSpan(span, self._masking)

    def close(self) -> None:
        """Send what is left. It waits for the collector, so not on an event loop."""
        self._provider.shutdown()


def start(masking: Masking) -> OtelTraces:
    """Spans to the collector that the environment names."""
    told = Resource.create({"service.version": __version__})
    if str(told.attributes.get("service.name", _NAMELESS)).startswith(_NAMELESS):
        told = told.merge(Resource({"service.name": "hundi"}))
    provider = TracerProvider(resource=told, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OtelTraces(provider, masking)


def _context(below: str | None) -> Context:
    """Nothing but the parent: what else is current in this process belongs to others."""
    empty = Context()
    if below is None:
        return empty
    return trace.set_span_in_context(trace.NonRecordingSpan(_remote(below)), empty)


@lru_cache(4096)
def _remote(context: str) -> SpanContext:
    return SpanContext(
        trace_id=int(context[3:35], 16),
        span_id=int(context[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(context[53:55], 16)),
    )


def _masked(attributes: Attributes, masking: Masking) -> dict[str, str | int | bool]:
    return {
        name: masking.text(value) if isinstance(value, str) else value
        for name, value in attributes.items()
    }


def _wall(at: float) -> int:
    """Nanoseconds since 1970 of a moment on the steady clock, which is the event loop's as well.

    uvloop tells of it in whole milliseconds, as they were when its turn began.
    """
    return wall_clock() * 1000 - int((time.monotonic() - at) * _NANOSECONDS)
