"""Every value is explained, allowed by the schema, tried and of effect."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.rendering import CHART, VALUES, HelmError, Render, get, leaves, load

DEFAULTS = load(CHART / "values.yaml")
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
PATHS = list(leaves(SCHEMA, DEFAULTS))
#: Read by nothing; there for umbrella charts.
UMBRELLA = {("global",), ("enabled",)}

each_value = pytest.mark.parametrize("path", PATHS, ids=".".join)


def schema_paths(schema: dict[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, inner in schema["properties"].items():
        if "properties" in inner:
            yield from schema_paths(inner, (*at, key))
        else:
            yield (*at, key)


def key_lines(node: yaml.MappingNode, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    """Path and line (from 0) of each key."""
    for key, value in node.value:
        yield (*at, key.value), key.start_mark.line
        if isinstance(value, yaml.MappingNode):
            yield from key_lines(value, (*at, key.value))


def documented() -> dict[str, str]:
    """Path and default of each row of the README's table of values."""
    rows = re.findall(r"^\| `([A-Za-z.]+)` \| (.+?) \| .+ \|$", (CHART / "README.md").read_text("utf-8"), re.MULTILINE)
    return dict(rows)


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


@each_value
def test_a_comment_stands_above(path: tuple[str, ...]) -> None:
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    root = yaml.compose(text)
    assert isinstance(root, yaml.MappingNode)

    line = dict(key_lines(root))[path]
    assert text.splitlines()[line - 1].lstrip().startswith("# ")


def test_the_readme_lists_every_value_with_its_default() -> None:
    rows = {path: value.strip("`") for path, value in documented().items()}
    expected = {".".join(path): get(DEFAULTS, path) for path in PATHS}

    assert list(rows) == list(expected)
    for path, value in expected.items():
        # What is too long for a table is shown in values.yaml.
        if rows[path] != "see values.yaml":
            assert rows[path] == (value if isinstance(value, str) and value else json.dumps(value)), path


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
