"""YAML as kubectl reads it (sigs.k8s.io/yaml), which differs from PyYAML in numbers, booleans, dates and keys."""

import json
import re
from collections.abc import Hashable
from typing import Any, ClassVar, Final

import yaml

#: What PyYAML raises for text that it cannot read. Beside YAMLError its constructors let through what they meet in
#: 2026-02-30, in a number of thousands of digits, in !!bool x, !!int '', !!timestamp x, and in deep nesting.
PARSE_ERRORS: Final = (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, RecursionError, ValueError)


class Loader(yaml.SafeLoader):
    """Unlike SafeLoader: 1e3 and 08 are numbers, y and n booleans; dates, times and keys are strings, as in JSON."""

    bool_values: ClassVar = {**yaml.SafeLoader.bool_values, "y": True, "n": False}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping, its keys as strings."""
        found = super().construct_mapping(node, deep)
        return {key if isinstance(key, str) else json.dumps(key, default=str): value for key, value in found.items()}


_FLOAT: Final = r"(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
_NUMBERS: Final = {
    "int": r"[-+]?(?:0|[1-9][0-9_]*|0b[01][01_]*|0o?[0-7][0-7_]*|0x[0-9a-fA-F][0-9a-fA-F_]*)",
    "float": rf"[-+]?(?:{_FLOAT}|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)",
}
_REPLACED: Final = {f"tag:yaml.org,2002:{kind}" for kind in (*_NUMBERS, "timestamp")}

Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind, _pattern in _NUMBERS.items():
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_pattern})\Z"), list("-+.0123456789"))
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"[yYnN]\Z"), list("yYnN"))
