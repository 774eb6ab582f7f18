"""The report for people, written anew from all records that are kept."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from proof.part import Part
from proof.record import Record

FILE = "REPORT.md"
_ORDER = ("full", "brief", "tiny")
_HEAD = """\
# What was proved, and what was not

Written by `make proof`; every figure was measured by the part whose name it stands under. `full` is the
promise itself, `brief` the same code with smaller numbers: it shows that the part works, and proves less.

```sh
make proof                                              # everything, for hours
make proof ARGS="--list"                                # the parts
make proof ARGS="kill --database postgresql --brief"    # one of them, in minutes
```
"""


def written(parts: Sequence[Part], records: Sequence[Record]) -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_summary(parts, records), *_sections(parts, records)]) + "\n"


def write(folder: Path, parts: Sequence[Part], records: Sequence[Record]) -> None:
    """Put the page into a folder."""
    (folder / FILE).write_text(written(parts, records))


def _summary(parts: Sequence[Part], records: Sequence[Record]) -> Iterator[str]:
    yield "| part | database | length | figures reached | date | commit |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for part in parts:
        found = list(_of(part, records))
        for record in found:
            cells = (record.database, record.length, _share(record), record.date, record.commit)
            yield f"| [{part.name}](#{part.name}) | {' | '.join(cells)} |"
        if not found:
            yield f"| {part.name} | | | not run yet | | |"
    yield ""


def _share(record: Record) -> str:
    wanted = [figure for figure in record.figures if figure.wanted]
    text = f"{sum(figure.reached for figure in wanted)} of {len(wanted)}"
    return text if record.reached else f"**{text}**"


def _of(part: Part, records: Sequence[Record]) -> Iterator[Record]:
    for length in _ORDER:
        yield from (r for r in records if (r.part, r.length) == (part.name, length))


def _sections(parts: Sequence[Part], records: Sequence[Record]) -> Iterator[str]:
    for part in parts:
        found = list(_of(part, records))
        if not found:
            continue
        yield f"## {part.name}\n\n{part.promise}\n"
        for record in found:
            yield from _record(record)


def _record(record: Record) -> Iterator[str]:
    minutes, seconds = divmod(round(record.seconds), 60)
    yield f"### {record.database}, {record.length}\n"
    yield f"{record.date} UTC, commit {record.commit}, seed {record.seed}, {minutes} min {seconds} s."
    yield f"Machine: {_listed(record.machine)}."
    if record.durability:
        yield f"Durability: {_listed(record.durability)}."
    yield "\n| figure | wanted | seen | |\n| --- | --- | --- | --- |"
    for figure in record.figures:
        verdict = "" if not figure.wanted else "reached" if figure.reached else "**missed**"
        cells = (figure.what, figure.wanted, figure.seen, verdict)
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"
    yield ""


def _listed(told: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in told.items())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
