"""What one process needs to be seen: its log, and spans where a collector is named."""

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Protocol

from hundi.kernel.settings import CannotServeError, ServeSettings
from hundi.observing.literals import literals
from hundi.observing.logs import BadLogSettingError, configure, log_settings
from hundi.observing.masking import Masking
from hundi.observing.spans import Traces

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_ONLY_PROTOCOL = "http/protobuf"
_PACKAGES = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter")


class ClosableTraces(Traces, Protocol):
    """Spans that wait somewhere until they are sent."""

    def close(self) -> None:
        """Send what is left, waiting for the collector."""


def masking_of(settings: ServeSettings, environ: Mapping[str, str]) -> Masking:
    """What hides secrets of this process, those of no known form included.

    The keys of secrets at rest have a form (`hsk_…`), and need not be told here.
    """
    given = (settings.contact_token, settings.keeping.journal_key)
    return Masking(literals(settings.database_url, environ, *given))


def log_to_stderr(settings: ServeSettings, masking: Masking) -> None:
    """Begin to log. Raises CannotServeError for a setting that cannot be read."""
    try:
        wanted = log_settings(settings.log, settings.log_format)
    except BadLogSettingError as mistake:
        raise CannotServeError(str(mistake)) from mistake
    configure(wanted, masking, sys.stderr)


def traces_wanted(environ: Mapping[str, str]) -> bool:
    """Whether a collector is named. Raises CannotServeError where spans cannot be sent to it."""
    name = next((name for name in ENDPOINTS if environ.get(name, "").strip()), None)
    off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if name is None or off or environ.get("OTEL_TRACES_EXPORTER", "").strip() == "none":
        return False
    if not environ[name].strip().startswith(("http://", "https://")):
        raise CannotServeError(f"{name} is no URL that begins with http:// or https://.")
    for asked in _PROTOCOLS:
        if environ.get(asked, "").strip() not in {"", _ONLY_PROTOCOL}:
            raise CannotServeError(f"{asked}: spans are sent as {_ONLY_PROTOCOL} only.")
    if not all(map(find_spec, _PACKAGES)):
        message = (
            f"{name} asks for traces, which need OpenTelemetry:"
            " pip install -r requirements/runtime.txt."
        )
        raise CannotServeError(message)
    return True


def traces_of(environ: Mapping[str, str], masking: Masking) -> ClosableTraces | None:
    """Spans to the collector that is named, or None: then nothing of OpenTelemetry is loaded.

    It begins a thread, so each process has its own. Raises CannotServeError as `traces_wanted`, and
    for a variable of OpenTelemetry's own that it cannot read.
    """
    if not traces_wanted(environ):
        return None
    from hundi.observing.otlp import start  # noqa: PLC0415 (large, and mostly not wanted)

    try:
        return start(masking)
    except ValueError as mistake:
        raise CannotServeError(
            f"OpenTelemetry cannot read its OTEL_… variables: {mistake}"
        ) from mistake
