"""The portal's shapes as the network takes them: what may be left out may be empty as well.

In a member that is not required `""` means absent, whatever type, pattern or format it has, and so do
`{}` and `[]` where they would be incomplete (docs: hundi.kernel.fields). The portal's files say nothing
of it; a description that is to be believed has to.
"""

from collections.abc import Mapping
from typing import Any

Shape = dict[str, Any]

EMPTIABLE = ("Address", "AddressDetail", "TypedAmount", "TypedRate")
"""Shapes that may be empty even where they are required; `kernel.fields.Emptiable` reads them."""
NEVER_EMPTY = frozenset({"B2BIds", "Device"})
"""Shapes that are told whole or not at all, also where they may be left out."""
_CLOSED = ("pattern", "format", "enum", "const", "minLength")
_TEXT: Shape = {"const": ""}
POINTER = "#/components/schemas/"


def as_taken(file: Mapping[str, Any], *, emptiable: tuple[str, ...] = EMPTIABLE) -> Shape:
    """A file of the portal whose schemas allow the empty values that the network takes."""
    schemas: Mapping[str, Shape] = file["components"]["schemas"]
    taken = {name: _eased(shape, schemas) for name, shape in schemas.items()}
    for name in emptiable:
        if name in taken:
            taken[name] = _or_empty(taken[name])
    return {**file, "components": {**file["components"], "schemas": taken}}


def _or_empty(shape: Shape) -> Shape:
    """An object that is complete, or has none of the members that it declares."""
    nothing = {"type": "object", "propertyNames": {"not": {"enum": list(shape["properties"])}}}
    return {"description": shape.get("description", ""), "anyOf": [shape, nothing]}


def _eased(shape: Any, schemas: Mapping[str, Shape]) -> Any:
    if isinstance(shape, list):
        return [_eased(one, schemas) for one in shape]
    if not isinstance(shape, dict):
        return shape
    eased = {name: _eased(value, schemas) for name, value in shape.items()}
    members = shape.get("properties")
    if isinstance(members, dict) and shape.get("type") == "object":
        needed = shape.get("required", ())
        eased["properties"] = {
            name: value if name in needed else _optional(value, schemas)
            for name, value in eased["properties"].items()
        }
    return eased


def _optional(member: Shape, schemas: Mapping[str, Shape]) -> Shape:
    told = meant(member, schemas)
    kind = told.get("type")
    empties = [] if kind == "string" and not any(one in told for one in _CLOSED) else [_TEXT]
    whole = member.get("$ref", "").removeprefix(POINTER) in NEVER_EMPTY
    if kind == "object" and told.get("required") and not whole:
        empties.append({"type": "object", "maxProperties": 0})
    if kind == "array" and told.get("minItems"):
        empties.append({"type": "array", "maxItems": 0})
    return {"anyOf": [member, *empties]} if empties else member


def meant(member: Shape, schemas: Mapping[str, Shape]) -> Shape:
    """The schema behind a member's references."""
    while "$ref" in member:
        member = schemas[member["$ref"].removeprefix(POINTER)]
    return member
