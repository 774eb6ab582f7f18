"""The Grafana dashboard, as a table of panels: title, unit, and lines of PromQL with their legends."""

from dataclasses import dataclass
from typing import Any

from hundi.observing.objectives import OBJECTIVES, spent

_WIDTH, _HEIGHT, _ACROSS = 8, 8, 24


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `lines` are (expression, legend)."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]


def _rate(metric: str, by: str = "") -> str:
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}[$__rate_interval]))"


def _quantiles(metric: str, by: str = "") -> tuple[tuple[str, str], ...]:
    labels = f"le, {by}" if by else "le"
    legend = f" {{{{{by}}}}}" if by else ""
    return tuple(
        (
            f"histogram_quantile({share}, {_rate(f'{metric}_bucket', labels)})",
            f"p{round(share * 100)}{legend}",
        )
        for share in (0.5, 0.99)
    )


# One process of several is scraped at a time, and answers for the database of all behind its port.
_REACHING = "sum(hundi_build_info * on (job, instance) group_left () hundi_database_up)"

_ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Promises",
        tuple(
            Panel(
                f"{objective.name}: share of the budget spent, 1 is all of it",
                "percentunit",
                ((f"{spent(objective, '1h')} / (1 - {objective.target})", "last hour"),),
            )
            for objective in OBJECTIVES
        ),
    ),
    (
        "Calls",
        (
            Panel(
                "Acks by message", "reqps", ((_rate("hundi_acks_total", "message"), "{{message}}"),)
            ),
            Panel(
                "Refusals by code", "reqps", ((_rate("hundi_refusals_total", "code"), "{{code}}"),)
            ),
            Panel(
                "Refused calls",
                "reqps",
                ((_rate("hundi_refused_calls_total", "call, status"), "{{call}} {{status}}"),),
            ),
            Panel("Time to an ack", "s", _quantiles("hundi_ack_seconds")),
            Panel(
                "Exchanges by what became of them",
                "ops",
                ((_rate("hundi_exchanges_total", "state"), "{{state}}"),),
            ),
            Panel("Proposals without an answer", "short", (("max(hundi_exchanges_open)", "open"),)),
        ),
    ),
    (
        "Webhooks",
        (
            Panel(
                "Attempts by outcome",
                "ops",
                ((_rate("hundi_deliveries_total", "kind, outcome"), "{{kind}} {{outcome}}"),),
            ),
            Panel(
                "From ack to the first attempt", "s", _quantiles("hundi_dispatch_seconds", "kind")
            ),
            Panel("From ack to delivery", "s", _quantiles("hundi_delivered_seconds", "kind")),
            Panel("Time of receivers", "s", _quantiles("hundi_attempt_seconds")),
            Panel(
                "Outbox",
                "short",
                (("max by (state) (hundi_outbox_deliveries)", "{{state}}"),),
            ),
            Panel(
                "The oldest that is due",
                "s",
                (("max(hundi_outbox_oldest_due_seconds)", "due for"),),
            ),
            Panel(
                "Endpoints in trouble",
                "short",
                (
                    ("sum(hundi_breakers_open)", "left alone for a while"),
                    ("max(hundi_endpoints_failing)", "failing"),
                    ("max(hundi_endpoints_disabled)", "switched off"),
                ),
            ),
        ),
    ),
    (
        "Inside",
        (
            Panel("Commits", "s", _quantiles("hundi_commit_seconds", "work")),
            Panel("Waiting for a commit", "s", _quantiles("hundi_queue_seconds", "work")),
            Panel("Requests in one commit", "short", _quantiles("hundi_batch_size")),
            Panel("Lateness of the event loop", "s", _quantiles("hundi_loop_lag_seconds")),
            Panel(
                "Connections to PostgreSQL",
                "short",
                (
                    (
                        "sum by (instance, worker, state) (hundi_pool_connections)",
                        "{{instance}} {{worker}} {{state}}",
                    ),
                ),
            ),
            Panel(
                "Connections of callers",
                "short",
                (
                    (
                        "sum by (instance, worker, state) (hundi_connections)",
                        "{{instance}} {{worker}} {{state}}",
                    ),
                ),
            ),
            Panel(
                "Calls sent away unread",
                "reqps",
                ((_rate("hundi_turned_away_total", "why"), "{{why}}"),),
            ),
            Panel("Feed behind", "s", (("max(hundi_feed_lag_seconds)", "oldest unseen event"),)),
            Panel(
                "Events that no reader sees yet",
                "short",
                (("max(hundi_feed_unnumbered_events)", "events"),),
            ),
            Panel(
                "Amounts reserved",
                "short",
                (("max(hundi_ledger_pending_transfers)", "transfers"),),
            ),
            Panel(
                "The oldest reservation",
                "s",
                (("max(hundi_ledger_oldest_pending_seconds)", "reserved for"),),
            ),
            Panel(
                "Promises that the store breaks",
                "short",
                (("max(hundi_invariants_broken)", "broken"),),
            ),
            Panel(
                "Since the store was checked, and its journal signed",
                "s",
                (
                    ("time() - (max(hundi_invariants_checked_timestamp) > 0)", "checked"),
                    ("max(hundi_invariants_behind_seconds)", "behind"),
                    ("time() - (max(hundi_journal_checkpoint_timestamp) > 0)", "signed"),
                ),
            ),
            Panel(
                "Processor",
                "percentunit",
                (("rate(process_cpu_seconds_total[$__rate_interval])", "{{instance}} {{worker}}"),),
            ),
            Panel(
                "Memory", "bytes", (("process_resident_memory_bytes", "{{instance}} {{worker}}"),)
            ),
            Panel(
                "Processes",
                "short",
                (
                    ("count by (version, database) (hundi_build_info)", "{{version}} {{database}}"),
                    (_REACHING, "that reach the database"),
                    ("sum(hundi_worker_up)", "workers that answer"),
                ),
            ),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """The whole of it, ready to be written as JSON and imported."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in _ROWS:
        panels.append(_row(title, top, number=len(panels) + 1))
        top += 1
        for place, panel in enumerate(row):
            left, down = _WIDTH * place % _ACROSS, _WIDTH * place // _ACROSS * _HEIGHT
            panels.append(_panel(panel, left, top + down, number=len(panels) + 1))
        top += -(-len(row) * _WIDTH // _ACROSS) * _HEIGHT
    return {
        "title": "Hundi",
        "uid": "hundi",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "tags": ["hundi"],
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_SOURCE]},
        "panels": panels,
    }


_SOURCE = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
_FROM_SOURCE = {"type": "prometheus", "uid": "${source}"}


def _row(title: str, top: int, *, number: int) -> dict[str, Any]:
    at = {"x": 0, "y": top, "w": _ACROSS, "h": 1}
    return {"id": number, "type": "row", "title": title, "gridPos": at, "panels": []}


def _panel(panel: Panel, left: int, top: int, *, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "datasource": _FROM_SOURCE,
        "gridPos": {"x": left, "y": top, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": "ABCDEFGH"[place],
                "expr": expr,
                "legendFormat": legend,
                "datasource": _FROM_SOURCE,
            }
            for place, (expr, legend) in enumerate(panel.lines)
        ],
    }
