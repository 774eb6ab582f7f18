"""Lines of a serving process: one form for all who write, nothing in clear, settings that are told."""

import json
import logging
import subprocess
import sys

import pytest

from hundi.observing.logs import BadLogSettingError, LogSettings, formatter, log_settings
from hundi.observing.masking import Masking

SCRIPT = """
import logging, sys, threading, warnings
import structlog
from hundi.observing.logs import configure, log_settings
from hundi.observing.masking import Masking

configure(log_settings(sys.argv[1], sys.argv[2]), Masking(["the word"]), sys.stderr)
log = structlog.get_logger("hundi.web")
log.debug("quiet", reqMsgId="MSG0", client_secret="the secret")
log.info("told", pan="ABCDE1234F", number=918273645501234)
logging.getLogger("aiohttp.client").debug("sent %s", "whsec_abcdef")
logging.getLogger("uvicorn.error").warning("asha@example.com left")
warnings.warn("the word", stacklevel=1)

def fail(account):
    hidden = "ZZZZZ9999Z"
    raise ValueError(f"no account {account} of ABCDE1234F")

try:
    fail("918273645501234")
except ValueError:
    log.exception("unexpected")
thread = threading.Thread(target=fail, args=("918273645501234",))
thread.start()
thread.join()
fail("918273645501234")
"""
HIDDEN = ("ABCDE1234F", "918273645501234", "ZZZZZ9999Z", "whsec_", "asha", "the word", "the secret")


def written(levels: str, form: str = "") -> str:
    """What a process writes that has much to say."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, levels, form],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == ""
    return done.stderr


def test_every_writer_has_the_same_form_and_nothing_is_in_clear() -> None:
    text = written("debug, aiohttp=debug")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["event"] for line in lines[:4]] == [
        "quiet", "told", "sent ***", "xxx@example.com left",
    ]  # fmt: skip
    assert [line["event"] for line in lines[5:]] == [
        "unexpected", "thread-ended-by-error", "ended-by-error",
    ]  # fmt: skip
    assert all(list(line)[:3] == ["timestamp", "level", "event"] for line in lines)
    assert [line["logger"] for line in lines[2:4]] == ["aiohttp.client", "uvicorn.error"]
    assert lines[1]["pan"] == "ABCxxxxx4F"
    for line in lines[5:]:
        assert "ValueError: no account xxxxx1234 of ABCxxxxx4F" in line["exception"]
    assert not [one for one in HIDDEN if one in text]


def test_text_says_the_same() -> None:
    text = written("debug, aiohttp=debug", "text")
    assert "told" in text
    assert "ABCxxxxx4F" in text
    assert "no account xxxxx1234" in text
    assert not [one for one in HIDDEN if one in text]


def test_levels_are_kept() -> None:
    events = [json.loads(line)["event"] for line in written("").splitlines()]
    assert "quiet" not in events
    assert "told" in events
    assert "sent ***" not in events
    assert "told" not in written("warning")
    assert "unexpected" in written("error")
    assert "left" not in written("error, uvicorn=error")


@pytest.mark.parametrize(
    ("levels", "form", "read"),
    [
        ("", "", LogSettings()),
        (" Debug ", "JSON", LogSettings("debug", {}, "json")),
        ("warning, aiohttp=info", "text", LogSettings("warning", {"aiohttp": "info"}, "text")),
    ],
)
def test_settings_are_read(levels: str, form: str, read: LogSettings) -> None:
    assert log_settings(levels, form) == read


@pytest.mark.parametrize(
    ("levels", "form", "told"),
    [
        ("loud", "", "HUNDI_LOG: 'loud' is no level. Give one of debug, info, warning, error"),
        ("=debug", "", "HUNDI_LOG"),
        ("info, aiohttp=loud", "", "aiohttp=loud"),
        ("info,", "", "HUNDI_LOG"),
        ("", "xml", "HUNDI_LOG_FORMAT: 'xml' is no format. Give one of auto, json, text."),
    ],
)
def test_a_setting_that_cannot_be_read_is_told(levels: str, form: str, told: str) -> None:
    with pytest.raises(BadLogSettingError, match=told.replace("'", ".")):
        log_settings(levels, form)


def test_a_line_that_cannot_be_put_together_is_still_one() -> None:
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "%s", (object(),), None)
    line = formatter(Masking(), as_text=False).format(record)
    assert "\n" not in line
    assert "object object at" in json.loads(line)["event"]
