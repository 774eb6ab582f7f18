"""The portal's shapes with the bounds that the network sets: lengths, words, forms and ranges.

The portal prints few of them. They are those of the typed bodies that read the requests, so that nobody
has to find them out by being refused.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from msgspec import inspect

from hundi.documents.shapes import TypedRate
from hundi.kernel.faulty import bare
from hundi.kernel.fields import Figure, Strict
from hundi.web.taken import POINTER, Shape, meant

_AMOUNT, _RATE = "TypedAmount", "TypedRate"
"""The portal has one shape for amounts and rates, whose ranges differ."""
_DATED = ("date", "date-time")


def bounded(file: Mapping[str, Any], bodies: Mapping[str, type]) -> Shape:
    """A file whose schemas say what these types refuse. `bodies` are the types of requests by path."""
    whole: Shape = deepcopy(dict(file))
    schemas: dict[str, Shape] = whole["components"]["schemas"]
    if _AMOUNT in schemas:
        schemas[_RATE] = deepcopy(schemas[_AMOUNT])
    for path, offered in whole["paths"].items():
        if path in bodies:
            content = offered["post"]["requestBody"]["content"]["application/json"]
            _bound(inspect.type_info(bodies[path]), content["schema"], schemas)
    return whole


def _bound(kind: inspect.Type, told: Shape, schemas: dict[str, Shape]) -> None:
    """Write the bounds of a type into its schema, and those of what it holds; what stands there stays."""
    inner = bare(kind)
    if isinstance(inner, inspect.StructType) and inner.cls is TypedRate:
        told["$ref"] = f"{POINTER}{_RATE}"
    shape = meant(told, schemas)
    if isinstance(inner, inspect.StructType):
        _bound_members(inner, shape, schemas)
    elif isinstance(inner, inspect.ListType):
        _add(shape, minItems=inner.min_length or None, maxItems=inner.max_length)
        _bound(inner.item_type, shape["items"], schemas)
    elif isinstance(inner, inspect.StrType):
        _bound_text(inner, shape)
    elif isinstance(inner, inspect.LiteralType):
        _add(shape, enum=sorted(map(str, inner.values)))
    elif isinstance(inner, inspect.IntType):
        _add(shape, minimum=inner.ge, maximum=inner.le)
    elif isinstance(inner, inspect.CustomType) and issubclass(inner.cls, Figure):
        _add(shape, minimum=int(inner.cls.least), maximum=int(inner.cls.most))


def _bound_members(kind: inspect.StructType, shape: Shape, schemas: dict[str, Shape]) -> None:
    if issubclass(kind.cls, Strict):
        _add(shape, additionalProperties=False)
    for one in kind.fields:
        if one.encode_name in shape.get("properties", {}):
            _bound(one.type, shape["properties"][one.encode_name], schemas)


def _bound_text(kind: inspect.StrType, shape: Shape) -> None:
    _add(shape, minLength=kind.min_length or None, maxLength=kind.max_length)
    if kind.pattern and shape.get("format") not in _DATED:
        # a form that is ours is said as it is judged: `format: email` is narrower
        shape.pop("format", None)
        _add(shape, pattern=kind.pattern.replace(r"\Z", "$"))


def _add(shape: Shape, **bounds: object) -> None:
    for name, bound in bounds.items():
        if bound is not None:
            shape.setdefault(name, bound)
