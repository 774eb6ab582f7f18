"""Alert rules of Prometheus: the objectives' burn rates, and what needs a person whatever they say."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hundi.observing.objectives import BURNS, OBJECTIVES, Burn, Objective, burning

GUIDE = "docs/guide/observing.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """Something that is wrong while `expr` is true for so long."""

    name: str
    expr: str
    wait: str
    severity: str
    summary: str
    what: str


SYMPTOMS = (
    Symptom(
        name="NotScraped",
        expr="absent(hundi_build_info)",
        wait="2m",
        severity="page",
        summary="No process of the network is scraped.",
        what="See whether `hundi serve` runs and answers /healthz.",
    ),
    Symptom(
        name="ProcessGone",
        # Whose target is down tells nothing any more: ours are those that told of themselves within a day.
        expr="up == 0 and on (job, instance) present_over_time(hundi_build_info[1d])",
        wait="2m",
        severity="page",
        summary="A process of the network cannot be scraped any more. Its address is the alert's instance.",
        what="See whether it runs and answers /healthz. One that is gone for good: take it out of Prometheus.",
    ),
    Symptom(
        name="DatabaseSilent",
        expr="max(hundi_database_up) == 0",
        wait="1m",
        severity="page",
        summary="The database answers no process. Calls are told 503; nothing acknowledged is lost.",
        what="See the database, its disk and the lines `store-unavailable` of the log.",
    ),
    Symptom(
        name="PromiseBroken",
        expr="max(hundi_invariants_broken) > 0",
        wait="0m",
        severity="page",
        summary="The store breaks a promise: what it holds does not agree with itself.",
        what="Run `hundi invariants`, see the lines `invariant-broken` of the log, and keep a backup.",
    ),
    Symptom(
        name="PromisesUnchecked",
        expr="max(hundi_invariants_checked_timestamp) > 0"
        " and max(hundi_invariants_interval_seconds) > 0"
        " and time() - max(hundi_invariants_checked_timestamp)"
        " > 3600 + 2 * max(hundi_invariants_interval_seconds)"
        " or max(hundi_invariants_behind_seconds) > 3600",
        wait="5m",
        severity="ticket",
        summary="The store, or what came into it, was not checked for an hour more than it may take.",
        what="See HUNDI_INVARIANTS_EVERY, and the lines `housekeeping-…` of the log.",
    ),
    Symptom(
        name="JournalUnsealed",
        expr="max(hundi_journal_checkpoint_timestamp) > 0"
        " and time() - max(hundi_journal_checkpoint_timestamp) > 2 * 86400",
        wait="5m",
        severity="ticket",
        summary="The journal's heads were not signed for two days; they are once a day.",
        what="See whether a process has HUNDI_JOURNAL_KEY, and run `hundi journal verify`.",
    ),
    Symptom(
        name="WorkerSilent",
        expr="min(hundi_worker_up) == 0",
        wait="2m",
        severity="page",
        summary="A process of `hundi serve --workers` does not answer within a second.",
        what="See its lines in the log; it is started again where it has ended.",
    ),
    Symptom(
        name="OutboxOld",
        expr="max(hundi_outbox_oldest_due_seconds) > 300 and max(hundi_breakers_open) == 0",
        wait="5m",
        severity="page",
        summary="A webhook has been due for five minutes, and no endpoint is being left alone.",
        what="See whether a dispatcher runs; add one, or look at hundi_commit_seconds.",
    ),
    Symptom(
        name="EndpointFailing",
        # Not a breaker: that is open for a minute after a failure, and closed between two attempts.
        expr="max(hundi_endpoints_failing_seconds) > 1800",
        wait="5m",
        severity="ticket",
        summary="An endpoint has failed for half an hour without a success.",
        what="Find the client in the lines `attempt-failed` of the log and tell it.",
    ),
    Symptom(
        name="EndpointDisabled",
        expr="max(hundi_endpoints_disabled) > 0",
        wait="1m",
        severity="ticket",
        summary="An endpoint is switched off; its webhooks wait until its owner enables it again.",
        what="Tell its owner.",
    ),
    Symptom(
        name="SecretNotOpened",
        expr="sum by (job, instance) (increase(hundi_secrets_not_opened_total[30m])) > 0",
        wait="0m",
        severity="page",
        summary="A dispatcher lacks the key of a client's signing secret. It sends him nothing.",
        what="Give it all of HUNDI_SECRET_KEYS that the others have, and restart it; see the lines"
        " `secret-not-opened` of its log.",
    ),
    Symptom(
        name="WebhooksParked",
        expr='max(hundi_outbox_deliveries{state="PARKED"}) > 0',
        wait="10m",
        severity="ticket",
        summary="A webhook was given up after ten days of trying.",
        what="Once its receiver is well, tell sender or receiver: either redrives it by"
        " POST /network/v1/deliveries/{webhook-id}/redrive.",
    ),
    Symptom(
        name="LeftBehind",
        expr="sum(increase(hundi_sweep_failures_total[30m])) > 0",
        wait="0m",
        severity="ticket",
        summary="An exchange, a document or a lease whose time is over cannot be ended.",
        what="Find the line `sweep-left-behind` in the log; a dispatcher older than the other processes"
        " does not know their messages: upgrade it. Else report the line as CONTRIBUTING.md says.",
    ),
    Symptom(
        name="LoopLate",
        expr="histogram_quantile(0.99, sum by (le, instance, worker)"
        " (rate(hundi_loop_lag_seconds_bucket[5m]))) > 0.25",
        wait="10m",
        severity="ticket",
        summary="A process answers late: its event loop is behind by a quarter of a second.",
        what="It is short of processor: see process_cpu_seconds_total, add a process.",
    ),
    Symptom(
        name="FeedLate",
        expr="max(hundi_feed_lag_seconds) > 60",
        wait="5m",
        severity="ticket",
        summary="Events of the last minute are not numbered, so no reader of the feed sees them.",
        what="See the lines `housekeeping-…` of the log.",
    ),
    Symptom(
        name="PoolExhausted",
        expr='max by (instance, worker) (hundi_pool_connections{state="busy"})'
        ' >= max by (instance, worker) (hundi_pool_connections{state="most"})',
        wait="5m",
        severity="ticket",
        summary="A process has had no free connection to PostgreSQL for five minutes.",
        what="See hundi_commit_seconds and the database's locks.",
    ),
    Symptom(
        name="UnexpectedErrors",
        expr='sum(rate(hundi_refusals_total{status="500"}[10m])) > 0',
        wait="0m",
        severity="ticket",
        summary="A call was answered 500: a mistake of ours.",
        what="Find the line `unexpected` in the log and report it as CONTRIBUTING.md says.",
    ),
    Symptom(
        name="CallersTurnedAway",
        expr='sum by (instance, worker) (rate(hundi_turned_away_total{why="crowded"}[5m])) > 0',
        wait="5m",
        severity="page",
        summary="A process has had no connection left for callers for five minutes: they are told 503.",
        what="See hundi_connections and who holds so many, and the line `no-file-handles` of the log; add a"
        " process, or raise LimitNOFILE where it keeps the limit below 4096.",
    ),
    Symptom(
        name="FilesNearLimit",
        expr="max(process_open_fds / process_max_fds and on (instance, job) hundi_build_info) > 0.9",
        wait="5m",
        severity="ticket",
        summary="A process is near the number of files that it may open; new connections wait.",
        what="Raise its limit (LimitNOFILE), or see who holds so many connections.",
    ),
)


def rules() -> dict[str, Any]:
    """The file of rules, ready to be written as YAML."""
    burns = [_burn(objective, burn) for objective in OBJECTIVES for burn in BURNS]
    return {
        "groups": [
            {"name": "hundi-objectives", "rules": burns},
            {"name": "hundi-symptoms", "rules": list(_symptoms())},
        ]
    }


def _burn(objective: Objective, burn: Burn) -> dict[str, Any]:
    return {
        "alert": f"Hundi{objective.name}Burn{burn.long}",
        "expr": burning(objective, burn),
        "for": burn.wait,
        "labels": {"severity": burn.severity, "objective": objective.name},
        "annotations": {
            "summary": f"The budget of 30 days is spent {burn.factor} times as fast as it may be.",
            "description": f"Promised: {objective.promise} See {GUIDE}.",
        },
    }


def _symptoms() -> Iterator[dict[str, Any]]:
    for one in SYMPTOMS:
        yield {
            "alert": f"Hundi{one.name}",
            "expr": one.expr,
            "for": one.wait,
            "labels": {"severity": one.severity},
            "annotations": {"summary": one.summary, "description": one.what},
        }
