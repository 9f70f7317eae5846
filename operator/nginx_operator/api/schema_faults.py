"""The faults that the CRD's schema finds, in words. The guard and `lint` have no API server to ask."""

import difflib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, cast

from jsonschema.exceptions import ValidationError

from nginx_operator.api import names, schema, schema_types
from nginx_operator.api.faults import MOST_FAULTS, Fault, Subject, dotted, quoted


def of_schema(subject: Subject) -> Iterator[Fault]:
    """Types and bounds, by the CRD's schema. null means left out, as for the API server."""
    if schema_types.conforms(subject.spec, names.VERSION, strict=subject.strict):
        return
    spec = _without_nulls(subject.spec)
    errors = islice(schema.validator(names.VERSION, strict=subject.strict).iter_errors(spec), MOST_FAULTS)
    for error in sorted(errors, key=lambda e: [str(part) for part in e.absolute_path]):
        parts = ("spec", *error.absolute_path)
        if error.validator == "additionalProperties":
            yield from _unknown_fields(error, parts)
        else:
            yield Fault(dotted(parts), _explain(error), parts)


def _unknown_fields(error: ValidationError, parts: tuple[str | int, ...]) -> Iterator[Fault]:
    known = list(_rule(error).get("properties", ()))
    for name in cast("Mapping[str, Any]", error.instance):
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"the fields here are {', '.join(known)}"
            where = (*parts, str(name))
            yield Fault(dotted(where), f"unknown field; {hint}", where)


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
    example = _rule(error).get("example")
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
            return f"{value} lacks a required field: {error.message}"
        case _:
            return f"{value} is malformed" + (f"; an example is {quoted(example)}" if example is not None else "")


def _rule(error: ValidationError) -> Mapping[str, Any]:
    """The part of the schema that an error comes from."""
    return cast("Mapping[str, Any]", error.schema)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value
