"""What `GET /schema` serves: OpenAPI 3.1 of every call and webhook, made of the contract files.

`openapi.json` beside this module is made by `python -m hundi.web.openapi contract` from the portal's
files (`b2b-*.yaml`) and our own (`network.yaml`); a test keeps it up to date. A server then sends
bytes, and needs neither YAML nor the contract's folder.

The portal's files use some names for several things (`StatusTransition`). Two components are the
same if they and all that they refer to are; of different ones with one name each is called after
the first file that has it (`InvoiceStatusTransition`, `FinancingStatusTransition`).
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hundi.documents import MESSAGES
from hundi.onboarding.calls import CALLS
from hundi.web.bounded import bounded
from hundi.web.taken import EMPTIABLE, as_taken

Document = dict[str, Any]
Place = tuple[str, str, str]
"""A component: its file's name for components, its kind, its own name."""

PORTAL = ("purchase-order", "invoice", "cdnote", "payment", "financing", "onboarding")
OWN = "network.yaml"
KEY = "IdempotencyKey"
_CALLED = {"cdnote": "Note"}
_FILE = Path(__file__).with_name("openapi.json")
_POINTER = "#/components/"


@cache
def schema() -> bytes:
    """The description as JSON, read once a process."""
    return _FILE.read_bytes()


def merged(portal: Mapping[str, Document], network: Document) -> Document:
    """One description of all that the portal's files and our own one describe.

    Raises ValueError where a path, a webhook or one of our own components is two different things.
    """
    files = [*_apart(portal).values(), network]
    result = dict(network)
    result["tags"] = [tag for one in files for tag in one["tags"]]
    for part in ("paths", "webhooks"):
        result[part] = _united(part, *(one.get(part, {}) for one in files))
    parts = [one["components"] for one in files]
    kinds = dict.fromkeys(kind for part in parts for kind in part)
    result["components"] = {
        kind: _united(kind, *(part.get(kind, {}) for part in parts)) for kind in kinds
    }
    return result


def _united(what: str, *parts: Mapping[str, Any]) -> Document:
    result: Document = {}
    for part in parts:
        for name, value in part.items():
            if result.setdefault(name, value) != value:
                message = f"{what} {name} is two different things"
                raise ValueError(message)
    return result


def _apart(portal: Mapping[str, Document]) -> dict[str, Document]:
    """The files with a name of its own for each different component."""
    names = _names({_called(name): file["components"] for name, file in portal.items()})

    def renamed(called: str, file: Document) -> Document:
        tree: Document = _with_references(file, lambda kind, name: names[called, kind, name])
        tree["components"] = {
            kind: {names[called, kind, name]: value for name, value in some.items()}
            for kind, some in tree["components"].items()
        }
        return tree

    return {name: renamed(_called(name), file) for name, file in portal.items()}


def _called(file: str) -> str:
    return _CALLED.get(file, file.title().replace("-", ""))


def _names(files: Mapping[str, Document]) -> dict[Place, str]:
    """The name of each component in the whole: its own one where it means one thing."""
    alike = _alike(files)
    meanings: dict[tuple[str, str], dict[int, str]] = {}
    for (called, kind, name), which in alike.items():
        meanings.setdefault((kind, name), {}).setdefault(which, called)
    found = {}
    for (called, kind, name), which in alike.items():
        firsts = meanings[kind, name]
        prefix = firsts[which] if len(firsts) > 1 else ""
        found[called, kind, name] = name if name.startswith(prefix) else prefix + name
    return found


def _alike(files: Mapping[str, Document]) -> dict[Place, int]:
    """Numbers of components, the same for those that mean the same.

    They begin as alike as their texts, and are told apart as long as what they refer to differs.
    """
    texts = {
        (called, kind, name): json.dumps(value, sort_keys=True, default=str)
        for called, components in files.items()
        for kind, some in components.items()
        for name, value in some.items()
    }
    targets = {
        place: [(place[0], *one) for one in _references(files[place[0]][place[1]][place[2]])]
        for place in texts
    }
    numbers = _numbered({place: (place[1:], text) for place, text in texts.items()})
    while True:
        finer = _numbered(
            {
                place: (number, *(numbers[target] for target in targets[place]))
                for place, number in numbers.items()
            }
        )
        if len(set(finer.values())) == len(set(numbers.values())):
            return numbers
        numbers = finer


def _numbered(signs: Mapping[Place, object]) -> dict[Place, int]:
    known: dict[object, int] = {}
    return {place: known.setdefault(sign, len(known)) for place, sign in signs.items()}


def _references(tree: object) -> Iterator[tuple[str, str]]:
    """Kinds and names of components that a part of a description refers to, in its order."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == "$ref":
                kind, _, target = value.removeprefix(_POINTER).partition("/")
                yield kind, target
            else:
                yield from _references(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _references(value)


def _with_references(tree: Any, named: Callable[[str, str], str]) -> Any:
    """A part of a description with other names in its references."""
    if isinstance(tree, dict):
        return {
            name: _reference(value, named) if name == "$ref" else _with_references(value, named)
            for name, value in tree.items()
        }
    if isinstance(tree, list):
        return [_with_references(value, named) for value in tree]
    return tree


def _reference(pointer: str, named: Callable[[str, str], str]) -> str:
    kind, _, target = pointer.removeprefix(_POINTER).partition("/")
    return f"{_POINTER}{kind}/{named(kind, target)}"


def read_from(folder: Path) -> tuple[dict[str, Document], Document]:
    """The contract files in a folder: the portal's by name, as the network takes them, and our own."""
    import yaml  # noqa: PLC0415 (a tool of development; servers only read the result)

    def read(name: str) -> Document:
        file: Document = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
        return file

    files = {name: read(f"b2b-{name}.yaml") for name in PORTAL}
    # onboarding's addresses are complete wherever they stand
    without: dict[str, tuple[str, ...]] = {"onboarding": ()}
    bodies: dict[str, type] = {message.path: message.body for message in MESSAGES}
    bodies |= {call.path: call.body for call in CALLS}
    taken = {
        name: as_taken(bounded(one, bodies), emptiable=without.get(name, EMPTIABLE))
        for name, one in files.items()
    }
    own = read(OWN)
    return {name: _keyed(one, own["components"]) for name, one in taken.items()}, own


def _keyed(file: Document, own: Mapping[str, Any]) -> Document:
    """A portal's file with the header that each of its calls takes beside what the portal shows."""
    parameters = file["components"].setdefault("parameters", {})
    parameters[KEY] = own["parameters"][KEY]
    for path, operations in file["paths"].items():
        if path.startswith("/api/") and "post" in operations:
            operations["post"].setdefault("parameters", []).append(
                {"$ref": f"{_POINTER}parameters/{KEY}"}
            )
    return file


def made_from(folder: Path) -> str:
    """The text of `openapi.json` for the contract files in a folder."""
    # YAML reads dates in examples as dates; they go out as the texts they were.
    return json.dumps(merged(*read_from(folder)), indent=1, ensure_ascii=False, default=str) + "\n"


if __name__ == "__main__":
    _FILE.write_text(made_from(Path(sys.argv[1])), encoding="utf-8")
