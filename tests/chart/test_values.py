"""Every value is explained, allowed by the schema, tried and of effect."""

import copy
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.support.rendering import CHART, ROOT, VALUES, HelmError, Render, get, leaves, load

DEFAULTS = load(CHART / "values.yaml")
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
GENERATOR = runpy.run_path(str(ROOT / "docs" / "values.py"))
PATHS = list(leaves(SCHEMA, DEFAULTS))
#: Read by nothing; there for the condition of an umbrella chart's dependency.
UMBRELLA = {("enabled",)}

each_value = pytest.mark.parametrize("path", PATHS, ids=".".join)


def schema_paths(schema: dict[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, inner in schema["properties"].items():
        if "properties" in inner:
            yield from schema_paths(inner, (*at, key))
        else:
            yield (*at, key)


def setters(path: tuple[str, ...]) -> list[Path]:
    """The files of values that set a path."""
    found = []
    for file in sorted(VALUES.glob("*.yaml")):
        try:
            get(load(file), path)
        except KeyError:
            continue
        found.append(file)
    return found


def without(values: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    copied = copy.deepcopy(values)
    del get(copied, path[:-1])[path[-1]]
    return copied


def test_the_schema_allows_exactly_the_values_that_there_are() -> None:
    assert sorted(schema_paths(SCHEMA)) == sorted({*PATHS, *UMBRELLA})


def test_every_value_has_a_comment() -> None:
    found = GENERATOR["values"]((CHART / "values.yaml").read_text(encoding="utf-8"))

    assert [value.path for value in found] == PATHS
    assert [value.path for value in found if not value.meaning] == []
    assert {value.path: value.default for value in found} == {path: get(DEFAULTS, path) for path in PATHS}


def test_the_readme_has_the_table_of_values() -> None:
    assert GENERATOR["written"]() == (CHART / "README.md").read_text(encoding="utf-8"), "run `make generate`"


def test_the_schema_lets_the_defaults_through() -> None:
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(DEFAULTS)] == []


def objects(schema: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each schema of an object with keys that are known, by its path."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and "type" in schema:
            yield at, schema
        for key, inner in schema.items():
            yield from objects(inner, f"{at}/{key}")
    elif isinstance(schema, list):
        for number, inner in enumerate(schema):
            yield from objects(inner, f"{at}/{number}")


def test_every_object_with_known_keys_is_strict() -> None:
    """But `global`, which is not ours alone, and what is a part of a Pod, which the API server knows best."""
    lax = {path for path, found in objects(SCHEMA) if found.get("additionalProperties") is not False}
    parts = re.compile(r".*/(global|extraEnv|imagePullSecrets)(/items)?$")
    assert [path for path in lax if not parts.match(path)] == []


@each_value
def test_it_is_of_effect(path: tuple[str, ...], render: Render) -> None:
    files = setters(path)
    assert files, "no file under values/ sets it"

    for file in files:
        try:
            other = render(without(load(file), path)).text
        except HelmError:  # another value of the file needs it
            continue
        assert other != render(file).text, file.name
