"""The CustomResourceDefinition as package data, and the JSON Schema of a spec taken from it."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator, TypeChecker
from jsonschema.validators import extend

Schema = dict[str, Any]
_MATCHES: Final = re.compile(r"self\.matches\('([^'\\]*)'\)")
#: What CEL's isQuantity takes, but for exponents beyond those of any amount.
_IS_QUANTITY: Final = "type(self) == int || (isQuantity(self) && !self.startsWith('-'))"
_QUANTITY: Final = r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?[0-9]{1,3}))?$"


@cache
def crd() -> Schema:
    """The CustomResourceDefinition, as it stands in `crds/`."""
    text = resources.files(__package__).joinpath("crd.yaml").read_text(encoding="utf-8")
    loaded: Schema = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    return loaded


@cache
def spec_schema(version: str) -> Schema:
    """The schema of `.spec` in one served version, for instance "v1alpha1", with its patterns as Python writes them."""
    (found,) = (v for v in crd()["spec"]["versions"] if v["name"] == version)
    spec: Schema = found["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return _with_python_patterns(_with_patterns(spec))


def spec_fields(version: str) -> list[str]:
    """Names of the fields of `.spec`."""
    return list(spec_schema(version)["properties"])


def pattern_rule(schema: Mapping[str, Any]) -> tuple[str, str]:
    """Pattern and message of a string's rule `self.matches('...')`, or of a quantity's; both empty if it has none.

    CEL says what is wrong in a sentence, where `pattern` has the API server print the regular expression.
    """
    for rule in schema.get("x-kubernetes-validations", ()):
        if rule["rule"] == _IS_QUANTITY:
            return _QUANTITY, rule["message"]
        if found := _MATCHES.fullmatch(rule["rule"]):
            return found[1], rule["message"]
    return "", ""


def _with_patterns(schema: Schema) -> Schema:
    """The same schema, with rules of the form `self.matches('...')` as patterns, which JSON Schema knows."""
    found, _ = pattern_rule(schema)
    kept = {key: _with_patterns(value) if isinstance(value, dict) else value for key, value in schema.items()}
    return {**kept, "pattern": found} if found else kept


def _with_python_patterns(schema: Schema) -> Schema:
    r"""The same schema for Python's `re`, where `$` also stands before a last line break. Go's is `\Z`."""
    return {
        keyword: re.sub(r"\$$", r"\\Z", value)
        if keyword == "pattern" and isinstance(value, str)
        else _with_python_patterns(value)
        if isinstance(value, dict)
        else value
        for keyword, value in schema.items()
    }


@cache
def validator(version: str, *, strict: bool = False) -> Draft202012Validator:
    """A validator of specs.

    Args:
        version: a served version.
        strict: whether unknown fields are errors, as kubectl asks the API server by default.
    """
    schema = spec_schema(version)
    return _VALIDATOR(_closed(schema) if strict else schema)


def _is_integer(_: TypeChecker, value: object) -> bool:
    """Whether the API server takes a number for an integer: an int64, or a float that stands for one exactly."""
    if isinstance(value, float):
        return value.is_integer() and abs(value) < 2**53
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


_VALIDATOR: Final[type[Draft202012Validator]] = extend(  # type: ignore[no-untyped-call]  # jsonschema has no types here
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
)


def _closed(schema: Schema) -> Schema:
    """The same schema, with every object closed to fields that it does not name."""
    closed = dict(schema)
    if schema.get("type") == "object" and "additionalProperties" not in schema:
        closed["properties"] = {name: _closed(child) for name, child in schema.get("properties", {}).items()}
        closed["additionalProperties"] = False
    if isinstance(schema.get("items"), dict):
        closed["items"] = _closed(schema["items"])
    return closed
