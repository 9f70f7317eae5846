"""Writes the table of values in the chart's README from values.yaml. Run by `make generate`.

A value is what has a comment above it; a mapping whose keys have comments is a section.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[1] / "charts" / "nginx-operator"
VALUES = CHART / "values.yaml"
PAGE = CHART / "README.md"
START, END = "<!-- values -->\n", "<!-- end -->"
HEADER = "| Value | Default | Meaning |\n|---|---|---|\n"
#: Characters. What is longer is shown in values.yaml.
LONGEST = 60


@dataclass(frozen=True)
class Value:
    """One that a user may set.

    Attributes:
        path: the keys that lead to it.
        default: what values.yaml says.
        meaning: the comment above it, as one line.
    """

    path: tuple[str, ...]
    default: Any
    meaning: str


def values(text: str) -> list[Value]:
    """All values of a values.yaml, in its order."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return []
    loaded = yaml.safe_load(text)
    return list(_below(root, loaded, text.splitlines(), ()))


def _below(node: yaml.MappingNode, loaded: Any, lines: list[str], at: tuple[str, ...]) -> Iterator[Value]:
    for key, value in node.value:
        path, inner = (*at, key.value), loaded[key.value]
        if _is_section(value, lines):
            yield from _below(value, inner, lines, path)
        else:
            yield Value(path, inner, _comment(key, lines))


def _is_section(node: yaml.Node, lines: list[str]) -> bool:
    if not isinstance(node, yaml.MappingNode) or not node.value:
        return False
    key, value = node.value[0]
    return bool(_comment(key, lines)) or _is_section(value, lines)


def _comment(key: yaml.Node, lines: list[str]) -> str:
    """The comment right above a key; empty where there is none."""
    found: list[str] = []
    for line in reversed(lines[: key.start_mark.line]):
        if not line.lstrip().startswith("#"):
            break
        found.insert(0, line.strip().removeprefix("#").strip())
    return " ".join(found)


def table(found: list[Value]) -> str:
    """The rows, with their header."""
    return HEADER + "".join(
        f"| `{'.'.join(value.path)}` | {_default(value.default)} | {value.meaning.replace('|', chr(92) + '|')} |\n"
        for value in found
    )


def _default(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value)
    return f"`{text}`" if len(text) <= LONGEST else "see values.yaml"


def written() -> str:
    """What the README should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{table(values(VALUES.read_text(encoding='utf-8')))}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
