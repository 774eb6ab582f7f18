"""What `GET /schema` serves: OpenAPI 3.1 of every call and webhook, made of the contract files.

`openapi.json` beside this module is made by `python -m hundi.web.openapi contract` from the portal's
calls (`b2b-*.yaml`) and our own (`network.yaml`); a test keeps it up to date.
A server then sends bytes, and needs neither YAML nor the contract's folder.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Document = dict[str, Any]

AREAS = {"Order": "b2b-purchase-order.yaml", "Onboarding": "b2b-onboarding.yaml"}
OWN = "network.yaml"
_FILE = Path(__file__).with_name("openapi.json")


@cache
def schema() -> bytes:
    """The description as JSON, read once a process."""
    return _FILE.read_bytes()


def merged(areas: Mapping[str, Document], network: Document) -> Document:
    """One description: all of the portal's areas, all of our own.

    Where two areas give one name to different components, the later area's gets the area's word in
    front (`OnboardingAck`). Raises ValueError where ours does, or where two share a path.
    """
    parts: list[Document] = []
    for word, area in areas.items():
        parts.append(_renamed(area, word, [one["components"] for one in parts]))
    result = dict(network)
    tags = [tag for part in (*parts, network) for tag in part["tags"]]
    result["tags"] = list({tag["name"]: tag for tag in tags}.values())
    result["paths"] = _united("path", *(part["paths"] for part in (*parts, network)))
    result["webhooks"] = _united("webhook", *(part["webhooks"] for part in parts))
    components = [part["components"] for part in (*parts, network)]
    kinds = dict.fromkeys(kind for one in components for kind in one)
    result["components"] = {
        kind: _united(kind, *(one.get(kind, {}) for one in components)) for kind in kinds
    }
    return result


def _renamed(area: Document, word: str, before: list[Document]) -> Document:
    """An area whose components have names of their own wherever they are not the same thing."""
    names: dict[str, str] = {}
    for kind, components in area["components"].items():
        for name, value in components.items():
            if any(one.get(kind, {}).get(name, value) != value for one in before):
                ref = f"#/components/{kind}/{name}"
                names[ref] = _prefixed(ref, word)
    # What refers to something renamed is another thing now, even where its text was the same.
    while more := _touched(area, names, before):
        names |= {ref: _prefixed(ref, word) for ref in more}
    result: Document = _with_references(area, names)
    for ref, new in names.items():
        kind = ref.split("/")[2]
        section = result["components"][kind]
        section[new.rpartition("/")[2]] = section.pop(ref.rpartition("/")[2])
    return result


def _prefixed(ref: str, word: str) -> str:
    head, _, name = ref.rpartition("/")
    return f"{head}/{word}{name}"


def _touched(area: Document, names: Mapping[str, str], before: list[Document]) -> set[str]:
    """Components that another area has too and that refer to a renamed one."""
    return {
        ref
        for kind, components in area["components"].items()
        for name, value in components.items()
        if (ref := f"#/components/{kind}/{name}") not in names
        and any(name in one.get(kind, {}) for one in before)
        and not names.keys().isdisjoint(_references(value))
    }


def _with_references(tree: Any, names: Mapping[str, str]) -> Any:
    if isinstance(tree, dict):
        return {
            key: names.get(value, value)
            if key == "$ref" and isinstance(value, str)
            else _with_references(value, names)
            for key, value in tree.items()
        }
    if isinstance(tree, list):
        return [_with_references(value, names) for value in tree]
    return tree


def _references(tree: object) -> Iterator[str]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _references(value)


def _united(what: str, *parts: Mapping[str, Any]) -> Document:
    result: Document = {}
    for part in parts:
        for name, value in part.items():
            if result.setdefault(name, value) != value:
                message = f"{what} {name} is two different things"
                raise ValueError(message)
    return result


def read_areas(folder: Path) -> tuple[dict[str, Document], Document]:
    """The portal's areas by their words, and our own calls, from the contract files in a folder."""
    import yaml  # noqa: PLC0415 (a tool of development; servers only read the result)

    def load(name: str) -> Document:
        found: Document = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
        return found

    return {word: load(name) for word, name in AREAS.items()}, load(OWN)


def made_from(folder: Path) -> str:
    """The text of `openapi.json` for the contract files in a folder."""
    whole = merged(*read_areas(folder))
    # YAML reads dates in examples as dates; they go out as the texts they were.
    return json.dumps(whole, indent=1, ensure_ascii=False, default=str) + "\n"


if __name__ == "__main__":
    _FILE.write_text(made_from(Path(sys.argv[1])), encoding="utf-8")
