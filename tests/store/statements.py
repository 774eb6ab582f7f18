"""Every statement that the house has written down, by where it stands."""

import importlib
import pkgutil
from collections.abc import Iterator

import hundi
from hundi.store.statement import Bulk, Statement


def statements() -> dict[str, Statement | Bulk]:
    """Statements at the top of modules, in tuples and dictionaries too; each under its first name."""
    found: dict[int, tuple[str, Statement | Bulk]] = {}
    for module in pkgutil.walk_packages(hundi.__path__, "hundi."):
        if ".migrations" in module.name:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            place = f"{module.name.removeprefix('hundi.')}.{name}"
            for inner, statement in _within(place, value):
                found.setdefault(id(statement), (inner, statement))
    return dict(sorted(found.values(), key=lambda pair: pair[0]))


def _within(name: str, value: object) -> Iterator[tuple[str, Statement | Bulk]]:
    if isinstance(value, Statement | Bulk):
        yield name, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _within(f"{name}[{key}]", one)
    elif isinstance(value, tuple):
        for place, one in enumerate(value):
            yield from _within(f"{name}[{place}]", one)
