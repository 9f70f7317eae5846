"""What is demanded of a configuration beyond nginx's grammar, by the administrator and by the operator's server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache

DENIED = (
    "load_module",
    "ssl_engine",
    "google_perftools_profiles",
    "debug_points",
    "perl*",
    "js_*",
    "lua_*",
    "*_by_lua",
    "*_by_lua_block",
    "*_by_lua_file",
)
"""Directives that load code, or run it."""

TREES = ("/etc/nginx", "/usr/share/nginx")


@dataclass(frozen=True)
class Rules:
    """What a configuration may hold.

    Attributes:
        denied: names of directives, with `*` as in a shell.
        allowed: names, in the same form, that are allowed although `denied` has them.
        include_trees: absolute folders; an include names files below them.
        configuration_folder: where a relative include begins: the folder of nginx.conf.
        reserved_ports: TCP port -> who listens there, for instance the operator's own server.
    """

    denied: tuple[str, ...] = DENIED
    allowed: tuple[str, ...] = ()
    include_trees: tuple[str, ...] = TREES
    configuration_folder: str = "/etc/nginx"
    reserved_ports: Mapping[int, str] = field(default_factory=dict)

    def denies(self, name: str) -> bool:
        """Tell whether a directive is forbidden."""
        return _matches(name, self.denied) and not _matches(name, self.allowed)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return bool(patterns) and _compiled(patterns).match(name) is not None


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns))
