"""What every golden example is held against, whatever its message is about."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from hundi.exchange.definition import MessageType
from hundi.exchange.views import RuleContext
from hundi.kernel.faults import Fault, split
from hundi.kernel.reading import read

_encoder = msgspec.json.Encoder(decimal_format="number")


@cache
def loaded(path: Path) -> dict[str, Any]:
    """The example, figures exact."""
    found: dict[str, Any] = json.loads(path.read_bytes(), parse_float=Decimal)
    return found


def typed(body: object, kind: type[Any]) -> Any:
    """A body of an example as the network reads it."""
    return read(_encoder.encode(body), kind)


def asked(message: MessageType, body: Any, known: RuleContext) -> list[Fault]:
    """What the rules say of a body, as the network asks them."""
    found = [fault for rule in message.rules for fault in rule(body, known)]
    return found + [fault for rule in message.body_rules for fault in rule(body)]


def told_are_exactly(example: Mapping[str, Any], found: Iterable[Fault]) -> None:
    """The findings are those of the file, in any order."""
    told = [(finding["code"], finding["path"]) for finding in example["findings"]]
    assert sorted((fault.code, fault.path) for fault in found) == sorted(told)


def verdict_follows(example: Mapping[str, Any], found: Iterable[Fault], *, moves: bool) -> None:
    """The verdict of the file is what findings and life cycle make of it."""
    faults, warnings = split(found)
    refused = bool(faults) or not moves
    assert example["verdict"] == ("refused" if refused else "warned" if warnings else "silent")


def says_what_to_do(found: Iterable[Fault]) -> None:
    """A whole sentence, with every number that programs get."""
    for fault in found:
        assert fault.detail.endswith("."), fault
        assert len(fault.detail.split()) > 4, fault
        assert fault.context, fault
        for told in fault.context.values():
            for word in told if isinstance(told, list) else [told]:
                assert str(word) in fault.detail, fault
