"""The CRD's schema, and its errors in words. The guard and `lint` have no API server to ask."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final, cast

from jsonschema.exceptions import ValidationError

from nginx_operator.api import names, schema
from nginx_operator.api.schema import Schema
from nginx_operator.api.validation import msgspec_schema
from nginx_operator.api.validation.field_errors import MAX_ERRORS, FieldError, FieldPath, did_you_mean, quoted
from nginx_operator.api.validation.object_meta import SYNONYMS


def validate_schema(spec: Mapping[str, Any], *, strict: bool) -> Iterator[FieldError]:
    """Types and bounds, by the CRD's schema. null means left out, as for the API server."""
    if msgspec_schema.conforms(spec, names.VERSION, strict=strict):
        return
    kept = _without_nulls(spec, schema.spec_schema(names.VERSION))
    errors = islice(schema.validator(names.VERSION, strict=strict).iter_errors(kept), MAX_ERRORS)
    found = sorted(errors, key=lambda e: [str(part) for part in e.absolute_path])
    others = [error.absolute_path for error in found if error.validator != "type"]
    for error in found:
        if error.validator == "type" and error.absolute_path in others:
            continue  # a number that is too large for its type is too large for the bounds, which say more
        path = ("spec", *error.absolute_path)
        if error.validator == "additionalProperties":
            yield from _unknown_fields(error, path)
        else:
            yield FieldError(path, _explain(error))


def _unknown_fields(error: ValidationError, path: FieldPath) -> Iterator[FieldError]:
    known = list(_schema_of(error).get("properties", ()))
    for name in cast("Mapping[str, Any]", error.instance):
        if name not in known:
            yield FieldError((*path, str(name)), f"unknown field; {_hint(str(name), path, known)}")


def _hint(name: str, path: FieldPath, known: Sequence[str]) -> str:
    """What an unknown field may mean: one that is near, or that stands further down under the very name."""
    synonym = SYNONYMS.get(name, "")
    if synonym in known:
        return f"did you mean {synonym}?"
    if path == ("spec",) and (below := _fields_below(names.VERSION).get(name)):
        return f"did you mean {' or '.join(below)}?"
    near = did_you_mean(name, [*known, *(each for each, of in SYNONYMS.items() if of in known)])
    for misspelt, meant in SYNONYMS.items():
        near = near.replace(f"mean {misspelt}?", f"mean {meant}?")
    return near or (f"the fields here are {', '.join(known)}" if known else "there are none here")


@cache
def _fields_below(version: str) -> Mapping[str, Sequence[str]]:
    """By the name of a field, the paths of those fields of spec that are named so and stand one level below it."""
    found: dict[str, list[str]] = {}
    for parent, node in schema.spec_schema(version)["properties"].items():
        for name in node.get("properties", ()):
            found.setdefault(name, []).append(f"spec.{parent}.{name}")
    return found


_TYPES: Final = {
    "integer": "a whole number",
    "string": "a string",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def _explain(error: ValidationError) -> str:
    """A schema error in words: the value, then what is allowed."""
    value, bound = quoted(error.instance), cast("Any", error.validator_value)
    example = _example(error)
    match error.validator:
        case "type":
            hint = f", such as {quoted(example)}" if example is not None else ""
            return f"{value} must be {_TYPES.get(bound, bound)}{hint}"
        case "minimum":
            return f"{value} must be {bound} or more"
        case "maximum":
            return f"{value} must be {bound} or less"
        case "enum":
            return f"{value} must be one of {', '.join(map(str, bound))}"
        case "minLength" | "minItems":
            return f"{value} must not be empty"
        case "maxLength" | "maxItems" | "maxProperties":
            return f"{value} must have at most {bound} {'characters' if error.validator == 'maxLength' else 'entries'}"
        case "required":
            given = cast("Mapping[str, Any]", error.instance)
            return f"{value} has no {' and no '.join(name for name in bound if name not in given)}"
        case "pattern" if _schema_of(error).get("x-kubernetes-int-or-string"):
            return f"{value} is not a quantity; an example is {quoted(example)}"
        case _:
            if (sentence := schema.pattern_rule(_schema_of(error))[1]) and error.validator == "pattern":
                return f"{value} is malformed: {sentence}"
            return f"{value} is malformed" + (f"; an example is {quoted(example)}" if example is not None else "")


def _example(error: ValidationError) -> object:
    """A value that would be right, of the very resource where the field is a quantity; None if there is none."""
    field, example = list(error.absolute_path)[-1:], _schema_of(error).get("example")
    if not _schema_of(error).get("x-kubernetes-int-or-string"):
        return example
    match field:
        case ["cpu"]:
            return "50m"
        case [str(name)] if "/" in name:
            return 1  # a device has no fractions and no bytes
        case _:
            return example


def _schema_of(error: ValidationError) -> Mapping[str, Any]:
    """The part of the schema that an error comes from."""
    return cast("Mapping[str, Any]", error.schema)


def _without_nulls(value: Any, node: Schema) -> Any:
    """The value without nulls, except in fields that the schema does not know: these are errors, null or not."""
    if isinstance(value, Mapping):
        known, others = node.get("properties", {}), node.get("additionalProperties")
        return {
            key: _without_nulls(item, known.get(key) or others or {})
            for key, item in value.items()
            if item is not None or not (key in known or others)
        }
    if isinstance(value, list):
        return [_without_nulls(item, node.get("items", {})) for item in value]
    return value


def validate_list_types(spec: Mapping[str, Any]) -> Iterator[FieldError]:
    """x-kubernetes-list-type, which JSON Schema does not know: entries of a set, and keys of a map, are unique."""
    for path, keys in _list_types(names.VERSION):
        items: Any = spec
        for part in path:
            items = items.get(part) if isinstance(items, Mapping) else None
        known: list[object] = []
        for number, item in enumerate(items if isinstance(items, list) else ()):
            found = [item.get(key) for key in keys] if keys and isinstance(item, Mapping) else item
            if found in known:
                yield FieldError(("spec", *path, number), f"{quoted(item)} appears twice; remove one")
            known.append(found)


@cache
def _list_types(version: str) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Path and x-kubernetes-list-map-keys of each list of type map; a list of type set has no keys."""
    found: list[tuple[tuple[str, ...], tuple[str, ...]]] = []

    def walk(node: Schema, path: tuple[str, ...]) -> None:
        if node.get("x-kubernetes-list-type") in ("map", "set"):
            found.append((path, tuple(node.get("x-kubernetes-list-map-keys", ()))))
        for name, child in node.get("properties", {}).items():
            walk(child, (*path, name))

    walk(schema.spec_schema(version), ())
    return tuple(found)
