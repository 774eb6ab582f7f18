"""When traces are on, what they are called, and what keeps a process from serving with a bad setting."""

import os
import subprocess
import sys

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

from hundi.kernel.settings import CannotServeError
from hundi.observing.masking import Masking
from hundi.observing.otlp import OtelTraces, start
from hundi.observing.setup import traces_of
from hundi.observing.spans import Role
from hundi.store.batch_spans import BatchSpans
from hundi.store.ran import Ran

SAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LEFT_OUT = SAMPLED[:-1] + "0"
COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {COLLECTOR: " "},
        {COLLECTOR: "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {COLLECTOR: "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_traced_unless_a_collector_is_named(environ: dict[str, str]) -> None:
    assert traces_of(environ, Masking()) is None


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({COLLECTOR: "127.0.0.1:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is no URL"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "ftp://x"}, "TRACES_ENDPOINT is no URL"),
        ({COLLECTOR: "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf only"),
    ],
)
def test_what_cannot_be_sent_is_told(environ: dict[str, str], told: str) -> None:
    with pytest.raises(CannotServeError, match=told):
        traces_of(environ, Masking())


def test_a_variable_that_opentelemetry_cannot_read_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many")
    with pytest.raises(CannotServeError, match="OTEL_"):
        traces_of({COLLECTOR: "http://127.0.0.1:1"}, Masking())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({COLLECTOR: "nowhere"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"HUNDI_LOG": "loud"}, "HUNDI_LOG"),
        ({"HUNDI_LOG_FORMAT": "xml"}, "HUNDI_LOG_FORMAT"),
    ],
)
def test_serve_says_it_in_a_sentence(sqlite_url: str, settings: dict[str, str], told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hundi.main", "serve", "--port", "0"],
        env={**os.environ, "HUNDI_DATABASE_URL": sqlite_url, **settings},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_that_does_not_trace_loads_no_tracer() -> None:
    code = "import hundi.serving, sys; sys.exit(any(m.startswith('opentel') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_the_service_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COLLECTOR, "http://127.0.0.1:1")
    for given, called in (("", "hundi"), ("hundi-north", "hundi-north")):
        monkeypatch.setenv("OTEL_SERVICE_NAME", given)
        made = start(Masking())
        assert made._provider.resource.attributes["service.name"] == called
        made.close()


class Kept:
    """Traces that stay here."""

    def __init__(self, **options: object) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(resource=Resource({}), **options)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.traces = OtelTraces(provider, Masking())

    def spans(self) -> dict[str, object]:
        return {span.name: span for span in self.exporter.get_finished_spans()}


async def test_a_span_is_masked_and_below_what_it_follows() -> None:
    kept = Kept()
    span = kept.traces.begin("accept", role=Role.SERVER, below=SAMPLED, attributes={"a": "x@y.in"})
    span.tell({"pan": "ABCDE1234F", "n": 3, "yes": True})
    span.end(failed="no account 918273645501234")
    [seen] = kept.spans().values()
    assert dict(seen.attributes) == {"a": "xxx@y.in", "pan": "ABCxxxxx4F", "n": 3, "yes": True}
    assert seen.status.description == "no account xxxxx1234"
    assert f"{seen.context.trace_id:032x}" == SAMPLED[3:35] == span.context[3:35]
    assert f"{seen.parent.span_id:016x}" == SAMPLED[36:52]


async def test_the_caller_and_the_sampler_decide_what_is_recorded() -> None:
    kept = Kept()
    assert not kept.traces.begin("a", below=LEFT_OUT).recorded
    assert kept.traces.begin("b", below=SAMPLED).recorded
    assert kept.traces.begin("c").recorded
    none = Kept(sampler=ParentBased(ALWAYS_OFF)).traces.begin("d")
    assert not none.recorded
    assert none.context.endswith("-00")


class Member:
    """Of a batch."""

    def __init__(self, trace: str | None) -> None:
        self.trace = trace


async def test_a_batch_is_linked_with_those_that_are_traced() -> None:
    kept = Kept()
    members = [Member(SAMPLED), Member(None), Member(LEFT_OUT)]
    ran = Ran(members, [1.0, 1.1, 1.2], began=2.0, ended=2.5, outcomes=[None] * 3)
    BatchSpans(kept.traces, "commit").tell(ran)
    spans = kept.spans()
    assert set(spans) == {"commit batch", "queue", "commit"}
    batch, queue, commit = spans["commit batch"], spans["queue"], spans["commit"]
    assert [f"{link.context.span_id:016x}" for link in batch.links] == [SAMPLED[36:52]]
    assert batch.attributes["hundi.batch.members"] == 3
    assert [link.context.span_id for link in commit.links] == [batch.context.span_id]
    took = [(s.end_time - s.start_time) / 1e9 for s in (queue, commit, batch)]
    assert took == pytest.approx([1.0, 0.5, 0.5], abs=0.01)
    kept.exporter.clear()
    BatchSpans(kept.traces, "commit").tell(Ran(members[1:], [1.0, 1.0], 2.0, 2.5, [None] * 2))
    assert not kept.spans()
