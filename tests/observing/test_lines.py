"""Every line that the program may log: what it is about is named, and the guide tells what to do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import hundi

SOURCES = Path(hundi.__file__).parent
GUIDE = SOURCES.parents[1] / "docs/guide/observing.md"
LEVELS = {"debug", "info", "warning", "error", "critical"}
OF_NO_EXCHANGE = {
    # of the process, its threads and its workers
    "ended-by-error", "thread-ended-by-error", "no-file-handles", "file-handles-again", "tables-newer",
    "too-few-connections", "secrets-in-clear", "worker-ended", "workers-did-not-stop",
    "worker-cannot-serve", "worker-waits-for-database", "worker-ended-by-error",
    "journal-checkpoints-off",
    # of the store, or of a loop: whatever it was about to do
    "*-waits-for-database", "*-failed", "codes-wait-for-database", "codes-failed",
    "metrics-without-database", "events-wait-for-database", "housekeeping-failed",
    "housekeeping-waits-for-database", "types-not-known", "duty-lost", "duty-waits-for-database",
    "duty-failed", "duty-done", "bell-waits-for-database", "bell-lost",
    "rollback heard of an earlier error, or of a lost connection",
    # of a batch of many, or of a client
    "sweep-one-by-one", "batch-runs-again", "batch-not-heard", "needs-not-known", "health-not-written", "*", "endpoint-enabled",
    "gap-not-due",
    # of what the invariants have found: `where` says of what
    "invariant-broken",
}  # fmt: skip
"""Each with its reason: a line that is about one exchange has to bear its reqMsgId."""


def calls() -> Iterator[tuple[str, ast.Call]]:
    """All calls that log: the event, its variable parts as `*`, and the call."""
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LEVELS
                and ast.unparse(node.func.value) == "_log"
            ):
                yield event(node.args[0]), node


def event(argument: ast.expr) -> str:
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    return "".join(str(p.value) if isinstance(p, ast.Constant) else "*" for p in parts)


def names_its_exchange(call: ast.Call) -> bool:
    """By `reqMsgId=`, or by what names a webhook or a visit."""
    return any(
        keyword.arg == "reqMsgId"
        or (keyword.arg is None and re.search(r"named|_told", ast.unparse(keyword.value)))
        for keyword in call.keywords
    )


def test_a_line_about_an_exchange_bears_its_id() -> None:
    found = list(calls())
    assert len(found) > 40
    silent = {name for name, call in found if not names_its_exchange(call)}
    assert silent == OF_NO_EXCHANGE


def test_the_guide_tells_what_to_do_about_each_line() -> None:
    rows = [line for line in GUIDE.read_text().splitlines() if line.startswith("| `")]
    told = [one for row in rows for one in re.findall(r"`([^`]+)`", row.split(" | ")[0])]
    patterns = [re.compile(re.escape(one).replace("…", ".+")) for one in told]
    for name, call in calls():
        assert isinstance(call.func, ast.Attribute)
        if call.func.attr == "debug" or name == "*":
            continue
        asked = name.replace("*", "x")
        assert any(one.fullmatch(asked) for one in patterns), f"{name} is not in {GUIDE.name}"
