"""Golden examples as files: the verdict that they begin with, their text, and the folder of them."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

Finding = tuple[str, str]
"""Code and path."""

_encoder = msgspec.json.Encoder(decimal_format="number")


def verdict(findings: Iterable[Finding], *, moves: bool, is_warning: Callable[[str], bool]) -> str:
    """What the reader of a file wants to know first; `moves` where the document goes to a state."""
    told = [is_warning(code) for code, _ in findings]
    if not moves or not all(told):
        return "refused"
    return "warned" if told else "silent"


def text(example: Mapping[str, Any], *, indent: int = 1) -> str:
    """The file's text; figures keep their digits."""
    return msgspec.json.format(_encoder.encode(example), indent=indent).decode() + "\n"


def replace(folder: Path, texts: Mapping[str, str]) -> None:
    """Put these files, by their names, in the place of all that the folder has."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for name, written in texts.items():
        (folder / f"{name}.json").write_text(written, encoding="utf-8")
