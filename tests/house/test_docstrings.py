"""Every public name has a docstring that tells more than the name does."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePath

import pytest

from tests.house.sources import PRODUCT, Function, Source, sources

FEWEST_WORDS = 3
FEWEST_NEW_WORDS = 2
FILLING = set(
    re.findall(
        "[a-z]+", "a an and as class for from function get in its method of or set the this to"
    )
)
# Alembic's layout: a revision is described by its module, upgrade() is upgrade().
REVISIONS = f"{PRODUCT}/store/migrations/versions/"


@pytest.mark.parametrize("source", sources(PRODUCT), ids=lambda source: source.name)
def test_public_names_are_explained(source: Source) -> None:
    assert not [name for name, text in _public(source) if not _tells_something(name, text)]


@pytest.mark.parametrize(
    "text", [None, "", "Ledger entry.", "The open ledger entry.", "Opens an entry of the ledger."]
)
def test_a_restatement_is_refused(text: str | None) -> None:
    assert not _tells_something("open_ledger_entry", text)


def test_an_explanation_is_accepted() -> None:
    assert _tells_something("open_ledger_entry", "Reserve paise; void if the exchange ends.")


def _public(source: Source) -> Iterator[tuple[str, str | None]]:
    """(name, docstring) of the module, its public classes and functions, and their methods."""
    path = PurePath(source.name)
    if path.stem.startswith("_") and path.stem not in {"__init__", "__main__"}:
        return
    yield (path.parent if path.stem == "__init__" else path).stem, ast.get_docstring(source.tree)
    if not source.name.startswith(REVISIONS):
        yield from _public_members(source.tree)


def _public_members(parent: ast.Module | ast.ClassDef) -> Iterator[tuple[str, str | None]]:
    for node in parent.body:
        if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_"):
            continue
        yield node.name, ast.get_docstring(node)
        if isinstance(node, ast.ClassDef):
            yield from _public_members(node)


def _tells_something(name: str, text: str | None) -> bool:
    words = [_stem(word) for word in re.findall(r"\w+", (text or "").lower())]
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    known = {_stem(word) for word in re.split(r"[_\W]+", spaced.lower())} | FILLING
    return len(words) >= FEWEST_WORDS and len(set(words) - known) >= FEWEST_NEW_WORDS


def _stem(word: str) -> str:
    """Open, opens, opened and opening are one word; so are entry and entries."""
    return re.sub(r"(ies|y)$", "i", re.sub(r"(s|ed|ing)$", "", word) if len(word) > 4 else word)
