"""How much of what rules find is told. Pure.

A body of one megabyte may break a rule twenty thousand times. Of each code the first ones are told,
and then how many more there are: so no number of findings of one kind hides another kind.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec

from hundi.kernel.faults import Fault

MOST_OF_A_CODE = 25


def told(findings: Iterable[Fault]) -> tuple[Fault, ...]:
    """The first 25 findings of each code, refusals before warnings; the 26th says what is left out.

    It stands at the path of the first that is left out and has the number as `more` in its context.
    """
    found = tuple(findings)
    if len(found) <= MOST_OF_A_CODE:  # mostly there are none
        return tuple(sorted(found, key=_warning)) if len(found) > 1 else found
    kept: list[Fault] = []
    counts: Counter[str] = Counter()
    cut: dict[str, int] = {}
    for one in found:
        counts[one.code] += 1
        if counts[one.code] > MOST_OF_A_CODE:
            if one.code in cut:
                continue
            cut[one.code] = len(kept)
        kept.append(one)
    for code, place in cut.items():
        kept[place] = _and_more(kept[place], counts[code] - MOST_OF_A_CODE)
    return tuple(sorted(kept, key=_warning))


def each_once(findings: Iterable[Fault]) -> tuple[Fault, ...]:
    """Findings without those that say the same of the same place, in their order."""
    first = {(one.code, one.path, one.detail): one for one in reversed(tuple(findings))}
    return tuple(reversed(first.values()))


def all_told(kept: Iterable[str]) -> list[dict[str, object]]:
    """What several exchanges keep of their warnings, without those that say the same of the same place."""
    first: dict[tuple[object, ...], dict[str, object]] = {}
    for text in kept:
        for one in msgspec.json.decode(text, type=list[dict[str, object]]):
            first.setdefault((one["code"], one["path"], one["detail"]), one)
    return list(first.values())


def _warning(one: Fault) -> bool:
    return one.warning


def _and_more(first: Fault, more: int) -> Fault:
    detail = f"And {more:,} more of this kind, from here on. Mend or check them too."
    return Fault(first.code, first.kind, first.path, detail, {"more": more})
