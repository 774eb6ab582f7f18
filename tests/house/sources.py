"""The project's own Python files, parsed: what the house tests look at."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = "src/hundi"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file. `name` is its path from the root of the project."""

    name: str
    lines: int
    tree: ast.Module

    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """All Python files below the given folders of the project."""
    found = tuple(
        _read(path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))
    )
    assert found, f"no source below {folders}"
    return found


def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(str(path.relative_to(ROOT)), text.count("\n"), ast.parse(text))


def length(function: Function) -> int:
    """Lines of a function's body; the signature and the docstring are not counted."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body:
        return 0
    return (function.end_lineno or function.lineno) - body[0].lineno + 1
