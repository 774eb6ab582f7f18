"""What the network promises its clients, as figures that metrics can judge. From these come alerts.

An objective says which part of all events has to be good over 30 days; the rest is its budget. An
alert asks how fast the budget is being spent, over a long and a short window at once: the long one
so that a blip wakes nobody, the short one so that it falls silent soon after the trouble is over.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """`good` and `all` are PromQL rates with `{window}` for their span; `target` is a share of one.

    Shares are texts, for they go into rules as they are: `0.999`.
    """

    name: str
    promise: str
    target: str
    good: str
    all: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """Spending `factor` times what would last 30 days, over both windows; `severity` page or ticket."""

    long: str
    short: str
    factor: str
    wait: str
    severity: str


def _messages_refused(status: str) -> str:
    series = f'hundi_refused_calls_total{{{{call="message",status=~"{status}"}}}}'
    return f"(sum(rate({series}[{{window}}])) or vector(0))"


_ACKS = "(sum(rate(hundi_acks_total[{window}])) or vector(0))"

OBJECTIVES = (
    Objective(
        name="AckAvailability",
        promise="999 of 1,000 messages are acknowledged or refused for what they say; at most one is"
        " told that the network cannot take it now.",
        target="0.999",
        # Messages alone: of pages and tokens only refusals are counted, and strangers say nothing.
        good=f"({_ACKS} + {_messages_refused('4..')})",
        all=f"({_ACKS} + {_messages_refused('4..|5..')})",
    ),
    Objective(
        name="AckLatency",
        promise="99 of 100 acks take no longer than 100 ms.",
        target="0.99",
        good='sum(rate(hundi_ack_seconds_bucket{{le="0.1"}}[{window}]))',
        all="sum(rate(hundi_ack_seconds_count[{window}]))",
    ),
    Objective(
        name="DispatchLatency",
        promise="99 of 100 webhooks are first tried within a second of the commit that caused them.",
        target="0.99",
        good='sum(rate(hundi_dispatch_seconds_bucket{{le="1.0"}}[{window}]))',
        all="sum(rate(hundi_dispatch_seconds_count[{window}]))",
    ),
    Objective(
        name="DeliveryLatency",
        promise="95 of 100 webhooks that arrive have arrived within five seconds of that commit.",
        target="0.95",
        good='sum(rate(hundi_delivered_seconds_bucket{{le="5.0"}}[{window}]))',
        all="sum(rate(hundi_delivered_seconds_count[{window}]))",
    ),
)

# 14.4 times for an hour is 2 % of the budget of 30 days, 6 times for six hours 5 %, once for three
# days 10 % (Google's Site Reliability Workbook, chapter 5).
BURNS = (
    Burn(long="1h", short="5m", factor="14.4", wait="2m", severity="page"),
    Burn(long="6h", short="30m", factor="6", wait="15m", severity="page"),
    Burn(long="3d", short="6h", factor="1", wait="1h", severity="ticket"),
)


def spent(objective: Objective, window: str) -> str:
    """PromQL of the share of bad events over a window."""
    good, everything = objective.good.format(window=window), objective.all.format(window=window)
    return f"(1 - {good} / {everything})"


def burning(objective: Objective, burn: Burn) -> str:
    """PromQL that is true while the budget is being spent so fast over both windows."""
    limit = f"{burn.factor} * (1 - {objective.target})"
    return f"{spent(objective, burn.long)} > {limit} and {spent(objective, burn.short)} > {limit}"
