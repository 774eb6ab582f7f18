"""Credit as `paymentTerms` say it in words: NET30, "2% 10 days, net 30", "2 months". Pure.

A wrong day is worse than none: an invoice would be told as overdue that is not. So a discount and
its days are left out, and what is left is read only if it has one number, and that one is credit.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

# "2% 10 days", "2% if paid in 10", "1.5%": a part of the amount, up to the days that it is for.
_PERCENT = re.compile(r"\d+(?:\.\d+)?\s*%(?:(?:(?!net)\D)*\d+\s*(?:days?|d\b)?)?", re.IGNORECASE)
_SHORT = re.compile(r"(?<![\d/.])\d+(?:\.\d+)?/\d+(?![\d/])")  # "2/10" in "2/10 net 30"
_NUMBER = re.compile(r"\d+")
# Counted from the end of a month, or to a day of one.
_OTHERWISE = re.compile(r"\b(?:EOM|MFI|PROX\w*|END\s+OF|MONTH[\s-]*END)\b", re.IGNORECASE)
_UNIT = r"\s*-?\s*(?P<unit>days?|d|weeks?|months?)\b"
_WITH_UNIT = re.compile(rf"(?<![\d.])(?P<number>\d{{1,4}}){_UNIT}", re.IGNORECASE)
# Without a unit it is days, unless another word follows that may be one: "net 2 years".
_NET = re.compile(
    r"(?<![A-Z])N(?:ET)?\s*[-/:]?\s*(?P<number>\d{1,4})\s*(?=$|[,;.()]|(?:from|after|of)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """How long a buyer may wait with the money."""

    days: int = 0
    months: int = 0

    def after(self, day: date) -> date:
        """The day on which it ends, or the last day of the calendar."""
        months = day.year * 12 + day.month - 1 + self.months
        year, month = divmod(months, 12)
        if year > date.max.year:
            return date.max
        last = monthrange(year, month + 1)[1]
        return later(date(year, month + 1, min(day.day, last)), self.days)


def credit_in(terms: str) -> Credit | None:
    """The credit that terms in words give; None where that is not sure."""
    left = _SHORT.sub(" ", _PERCENT.sub(" ", terms))
    if _OTHERWISE.search(left) or len(_NUMBER.findall(left)) != 1:
        return None
    told = _WITH_UNIT.search(left) or _NET.search(left)
    if told is None:
        return None
    number, unit = int(told["number"]), told.groupdict().get("unit", "days").lower()
    if unit.startswith("month"):
        return Credit(months=number)
    return Credit(days=number * 7 if unit.startswith("week") else number)


def later(day: date, days: int) -> date:
    """So many days after a day, or the last day of the calendar."""
    return day + timedelta(days=min(days, (date.max - day).days))
