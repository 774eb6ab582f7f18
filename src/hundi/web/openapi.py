"""What `GET /schema` serves: OpenAPI 3.1 of every call and webhook, made of the contract files.

`openapi.json` beside this module is made by `python -m hundi.web.openapi contract` from the portal's
order calls and token call (`b2b-*.yaml`) and our own (`network.yaml`); a test keeps it up to date.
A server then sends bytes, and needs neither YAML nor the contract's folder.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Document = dict[str, Any]

SOURCES = ("b2b-purchase-order.yaml", "b2b-onboarding.yaml", "network.yaml")
TOKEN_CALL = "/oauth/token"  # noqa: S105 (a path)
_FILE = Path(__file__).with_name("openapi.json")


@cache
def schema() -> bytes:
    """The description as JSON, read once a process."""
    return _FILE.read_bytes()


def merged(orders: Document, onboarding: Document, network: Document) -> Document:
    """One description: all of the orders, the token call of onboarding, all of our own.

    Raises ValueError where two files give one name to different things.
    """
    token: Document = {TOKEN_CALL: onboarding["paths"][TOKEN_CALL]}
    result = dict(network)
    result["tags"] = _tags(token, orders, onboarding, network)
    result["paths"] = _united("path", token, orders["paths"], network["paths"])
    result["webhooks"] = orders["webhooks"]
    parts = (_needed(token, onboarding["components"]), orders["components"], network["components"])
    kinds = dict.fromkeys(kind for part in parts for kind in part)
    result["components"] = {
        kind: _united(kind, *(part.get(kind, {}) for part in parts)) for kind in kinds
    }
    return result


def _tags(token: Document, *files: Document) -> list[Document]:
    """The tags of the files, without those of calls that are left out."""
    [call] = token[TOKEN_CALL].values()
    orders, onboarding, network = files
    kept = [tag for tag in onboarding["tags"] if tag["name"] in call["tags"]]
    return [*kept, *orders["tags"], *network["tags"]]


def _united(what: str, *parts: Mapping[str, Any]) -> Document:
    result: Document = {}
    for part in parts:
        for name, value in part.items():
            if result.setdefault(name, value) != value:
                message = f"{what} {name} is two different things"
                raise ValueError(message)
    return result


def _needed(tree: object, components: Document) -> Document:
    """The components that a part of a description refers to, directly or through others."""
    needed: Document = {"securitySchemes": components["securitySchemes"]}
    waiting = list(_references(tree))
    while waiting:
        kind, name = waiting.pop()
        if name not in needed.setdefault(kind, {}):
            needed[kind][name] = components[kind][name]
            waiting.extend(_references(components[kind][name]))
    return needed


def _references(tree: object) -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == "$ref":
                kind, _, target = value.removeprefix("#/components/").partition("/")
                yield kind, target
            else:
                yield from _references(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _references(value)


def made_from(folder: Path) -> str:
    """The text of `openapi.json` for the contract files in a folder."""
    import yaml  # noqa: PLC0415 (a tool of development; servers only read the result)

    read = (yaml.safe_load((folder / name).read_text(encoding="utf-8")) for name in SOURCES)
    orders, onboarding, network = read
    whole = merged(orders, onboarding, network)
    # YAML reads dates in examples as dates; they go out as the texts they were.
    return json.dumps(whole, indent=1, ensure_ascii=False, default=str) + "\n"


if __name__ == "__main__":
    _FILE.write_text(made_from(Path(sys.argv[1])), encoding="utf-8")
