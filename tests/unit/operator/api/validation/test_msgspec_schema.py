"""The quick yes agrees with jsonschema: it never accepts what the schema refuses, and accepts what users write."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nginx_operator.api import names, schema
from nginx_operator.api.validation import msgspec_schema

ROOT = Path(__file__).parents[5]
SPEC = schema.spec_schema(names.VERSION)


def quick(spec: object, *, strict: bool = False) -> bool:
    return msgspec_schema.conforms(spec, names.VERSION, strict=strict)


def slow(spec: object, *, strict: bool = False) -> bool:
    return bool(schema.validator(names.VERSION, strict=strict).is_valid(spec))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 0, 1, 3.0, 65535, 65536, 2**31 - 1, 2**31, 2**63, 2**64, -(2**63) - 1])
    | st.floats()
    | st.text(st.characters(), max_size=20),  # lone surrogates included
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def near(node: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit a schema, nearly fit it, or are anything at all."""
    return st.one_of(_fitting(node), _fitting(node), _fitting(node), json_values)


def _fitting(node: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in node:
        return st.sampled_from(node["enum"]) | st.text(max_size=3)
    if "anyOf" in node:
        return st.integers() | st.from_regex(node["pattern"]) | st.text(max_size=40)
    match node.get("type"):
        case "object" if "additionalProperties" not in node:
            fields = {name: near(child) for name, child in node.get("properties", {}).items()}
            required = {name: fields.pop(name) for name in node.get("required", ())}
            known = st.fixed_dictionaries(required, optional=fields)
            return known | st.builds(lambda a, b: {**a, **b}, known, st.dictionaries(st.text(max_size=6), json_values))
        case "object":
            bound = node.get("maxProperties", 3)
            return st.dictionaries(st.text(max_size=4), near(node["additionalProperties"]), max_size=3) | st.builds(
                lambda value, size: {str(number): value for number in range(size)},
                near(node["additionalProperties"]),
                st.sampled_from([bound, bound + 1]),
            )
        case "array":
            bound = node["maxItems"]
            few = st.lists(near(node["items"]), max_size=2)
            return few | st.builds(lambda v, n: [v] * n, near(node["items"]), st.sampled_from([bound, bound + 1]))
        case "integer":
            low, high = node["minimum"], node["maximum"]
            return st.sampled_from([low - 1, low, high, high + 1, float(low), True]) | st.integers(low, high)
        case "string":
            longest = node["maxLength"]
            long = st.sampled_from(["a" * longest, "a" * (longest + 1), "1.2.3.4/24", "1.2.3.4/24\n"])
            return long | (st.from_regex(node["pattern"]) if "pattern" in node else st.text(max_size=9))
        case _:
            return st.booleans()


def _usual(value: Any) -> bool:
    """Whether all is of the kinds that users write: the types take neither null nor 3.0 for 3, nor more than int64."""
    if isinstance(value, dict):
        return all(_usual(item) for item in value.values())
    if isinstance(value, list):
        return all(_usual(item) for item in value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return value is not None and not isinstance(value, float)


@given(near(SPEC), st.booleans())
def test_it_agrees_with_jsonschema(spec: Any, strict: bool) -> None:
    fits = slow(spec, strict=strict)
    assert fits or not quick(spec, strict=strict)
    if _usual(spec):
        assert quick(spec, strict=strict) == fits


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda example: example.name)
def test_every_example_is_accepted_at_once(example: Path) -> None:
    for document in yaml.safe_load_all(example.read_text()):
        if document["kind"] == names.KIND:
            assert quick(document["spec"], strict=True)


@pytest.mark.parametrize("spec", [None, [], "a", 1, {"service": {"annotations": {1: "a"}}}, {1: 2}], ids=json.dumps)
def test_what_is_no_spec_is_no_yes(spec: object) -> None:
    assert not quick(spec, strict=True)


@pytest.mark.parametrize("word", [{"oneOf": []}, {"type": "number"}, {"type": "string", "not": {}}])
def test_a_word_of_the_schema_that_it_does_not_know_is_an_error(word: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        msgspec_schema.type_of({"type": "object", "properties": {"a": word}}, strict=False)
