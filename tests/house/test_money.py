"""Money never passes through a float, so the rooms that handle it have none."""

import ast

import pytest

from tests.house.sources import PRODUCT, Source, sources

EXACT = tuple(f"{PRODUCT}/{room}" for room in ("kernel", "exchange", "documents"))


@pytest.mark.parametrize("source", sources(*EXACT), ids=lambda source: source.name)
def test_no_float(source: Source) -> None:
    assert not [f"line {node.lineno}" for node in ast.walk(source.tree) if _is_float(node)]


def _is_float(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    return isinstance(node, ast.Name) and node.id == "float"


@pytest.mark.parametrize("text", ["price = 12.30", "float(price)", "def f(x: float): ..."])
def test_a_float_would_be_found(text: str) -> None:
    assert any(_is_float(node) for node in ast.walk(ast.parse(text)))
