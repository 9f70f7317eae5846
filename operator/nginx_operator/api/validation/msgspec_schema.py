"""The CRD's schema as msgspec types: they accept a spec in microseconds, where jsonschema takes half a millisecond.

What these types reject goes to jsonschema, which decides and says what is wrong. So a type may be narrower than the
schema (it takes neither null nor 3.0 for 3), and never wider.
"""

from functools import cache
from typing import Annotated, Any, Final, Literal

import msgspec

from nginx_operator.api import schema
from nginx_operator.api.schema import Schema

#: Constraints of JSON Schema, and what msgspec calls them.
_CONSTRAINTS: Final = {
    "minimum": "ge",
    "maximum": "le",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
    "minProperties": "min_length",
    "maxProperties": "max_length",
    "pattern": "pattern",
}
_STRUCTURE: Final = frozenset({"type", "enum", "properties", "required", "items", "additionalProperties", "anyOf"})
#: They constrain nothing (JSON Schema, annotations); jsonschema passes over them too.
_ANNOTATIONS: Final = frozenset({"description", "example", "default", "format"})
_INT_OR_STRING: Final = [{"type": "integer"}, {"type": "string"}]
_SCALARS: Final = {"integer": int, "string": str, "boolean": bool}
#: An integer is an int64, as for the API server.
_INT64: Final[dict[str, Any]] = {"ge": -(2**63), "le": 2**63 - 1}


def conforms(spec: object, version: str, *, strict: bool) -> bool:
    """True if a spec fits the schema of a version; False leaves the decision to jsonschema.

    Args:
        spec: any value.
        version: a served version.
        strict: whether unknown fields are errors.
    """
    try:
        msgspec.convert(spec, _spec_type(version, strict))
    except (msgspec.ValidationError, RecursionError):
        return False
    return True


@cache
def _spec_type(version: str, strict: bool) -> Any:
    return type_of(schema.spec_schema(version), strict=strict)


def type_of(node: Schema, *, strict: bool) -> Any:
    """The type of a schema's values.

    Raises:
        NotImplementedError: the schema uses a keyword that this module does not know.
    """
    keywords = {word for word in node if not word.startswith("x-kubernetes-")}
    if unknown := keywords - _CONSTRAINTS.keys() - _STRUCTURE - _ANNOTATIONS:
        raise NotImplementedError(f"no type for {', '.join(sorted(unknown))}")
    meta: dict[str, Any] = {**_INT64} if node.get("type") == "integer" else {}
    meta |= {_CONSTRAINTS[word]: node[word] for word in node if word in _CONSTRAINTS}
    if node.get("anyOf") == _INT_OR_STRING and "type" not in node:
        return Annotated[int, msgspec.Meta(**_INT64)] | Annotated[str, msgspec.Meta(**meta)]
    if "enum" in node:
        return Literal[tuple(node["enum"])]
    return Annotated[_base(node, strict), msgspec.Meta(**meta)] if meta else _base(node, strict)


def _base(node: Schema, strict: bool) -> Any:
    match node.get("type"):
        case "object" if "additionalProperties" not in node:
            return _struct(node, strict)
        case "object":
            return dict[str, type_of(node["additionalProperties"], strict=strict)]  # type: ignore[misc]
        case "array":
            return list[type_of(node["items"], strict=strict)]  # type: ignore[misc]
        case str(scalar) if scalar in _SCALARS:
            return _SCALARS[scalar]
        case other:
            raise NotImplementedError(f"no type for type {other}")


def _struct(node: Schema, strict: bool) -> type[msgspec.Struct]:
    required = node.get("required", ())
    fields: list[Any] = []
    for name, child in node.get("properties", {}).items():
        type_ = type_of(child, strict=strict)
        fields.append((name, type_) if name in required else (name, type_ | msgspec.UnsetType, msgspec.UNSET))
    return msgspec.defstruct("Object", fields, kw_only=True, forbid_unknown_fields=strict)
