"""Log lines of a serving process: JSON, or text on a terminal; masked last, whoever wrote them.

`HUNDI_LOG` is a level, and levels of some loggers by name: `info`, or `debug, aiohttp=debug`. Other
people's loggers are at `warning` until they are named. `HUNDI_LOG_FORMAT` is `json`, `text` or
`auto`. Tracebacks come without the values of variables.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from hundi.observing.masking import Masking

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("auto", "json", "text")
LEVEL_VARIABLE, FORMAT_VARIABLE = "HUNDI_LOG", "HUNDI_LOG_FORMAT"
OURS = "hundi"
_FIRST = ("timestamp", "level", "event")

_log = structlog.get_logger()


class BadLogSettingError(ValueError):
    """A setting of the log cannot be read; the message says what to give instead."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is written and how: our level, those of loggers by name, a format."""

    level: str = "info"
    named: Mapping[str, str] = field(default_factory=dict)
    format: str = "auto"


def log_settings(levels: str, form: str) -> LogSettings:
    """Read both settings; "" leaves what is usual. Raises BadLogSettingError."""
    level, named = "info", dict[str, str]()
    for part in levels.split(",") if levels.strip() else ():
        name, named_one, wanted = part.strip().lower().rpartition("=")
        if wanted not in LEVELS or bool(named_one) != bool(name):
            known = ", ".join(LEVELS)
            detail = f"is no level. Give one of {known}, and others as name=level."
            raise BadLogSettingError(f"{LEVEL_VARIABLE}: {part.strip()[:60]!r} {detail}")
        if name:
            named[name] = wanted
        else:
            level = wanted
    form = form.strip().lower() or "auto"
    if form not in FORMATS:
        detail = f"{form[:60]!r} is no format. Give one of {', '.join(FORMATS)}."
        raise BadLogSettingError(f"{FORMAT_VARIABLE}: {detail}")
    return LogSettings(level, named, form)


def configure(settings: LogSettings, masking: Masking, stream: TextIO) -> None:
    """Send every line of this process to a stream: ours, and those of the libraries."""
    handler = logging.StreamHandler(stream)
    as_text = settings.format == "text" or (settings.format == "auto" and stream.isatty())
    handler.setFormatter(formatter(masking, as_text=as_text, colors=stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name, level in {OURS: settings.level, **settings.named}.items():
        logging.getLogger(name).setLevel(level.upper())
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # a line that cannot be written is lost, not told unmasked
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_BEFORE,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(ignore_frame_names=[__name__]),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    sys.excepthook = _unexpected
    threading.excepthook = _unexpected_in_thread


def formatter(masking: Masking, *, as_text: bool, colors: bool = False) -> logging.Formatter:
    """Makes a line of a record, masked after everything else has had its say."""

    def masked(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        ordered = {name: event[name] for name in _FIRST if name in event}
        ordered.update(event)
        return {masking.text(name): masking.value(name, value) for name, value in ordered.items()}

    line: Processor = (
        structlog.dev.ConsoleRenderer(colors=colors)
        if as_text
        else structlog.processors.JSONRenderer(serializer=_json)
    )
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _traceback,
            masked,
            line,
        ],
        foreign_pre_chain=_BEFORE,
    )


_BEFORE: tuple[Processor, ...] = (
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def _traceback(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The exception as Python tells it, which shows no values; of any length up to 20,000."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = "".join(traceback.format_exception(error))[-20_000:]
    return event


def _json(event: EventDict, **_: Any) -> str:
    return msgspec.json.encode(event).decode()


def _unexpected(
    kind: type[BaseException], error: BaseException, place: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, place)
        return
    _log.critical("ended-by-error", exc_info=error)


def _unexpected_in_thread(told: threading.ExceptHookArgs) -> None:
    _log.error("thread-ended-by-error", exc_info=told.exc_value)
