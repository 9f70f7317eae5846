"""Contexts and argument counts of nginx's own directives. `make directives` writes the table from nginx's source."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FREE = {"types", "map", "geo", "split_clients", "charset_map"}
"""Blocks whose content is no directives."""

BLOCKS = {
    ("main", "events"): "events",
    ("main", "http"): "http",
    ("main", "mail"): "mail",
    ("main", "stream"): "stream",
    ("http", "server"): "http/server",
    ("http", "upstream"): "http/upstream",
    ("http/server", "location"): "http/location",
    ("http/server", "if"): "http/server/if",
    ("http/server/if", "if"): "http/server/if",
    ("http/location", "location"): "http/location",
    ("http/location", "if"): "http/location/if",
    ("http/location/if", "if"): "http/location/if",
    ("http/location", "limit_except"): "http/location/limit_except",
    ("mail", "server"): "mail/server",
    ("stream", "server"): "stream/server",
    ("stream", "upstream"): "stream/upstream",
}
"""Context and block -> the context inside it."""

_TITLES = {
    "main": "the main context",
    "http/server/if": '"if" in "server"',
    "http/location/if": '"if" in "location"',
    "http/location/limit_except": '"limit_except"',
    "mail/server": '"server" of "mail"',
    "stream/server": '"server" of "stream"',
    "stream/upstream": '"upstream" of "stream"',
}


@dataclass(frozen=True, slots=True)
class Rule:
    """Where a directive stands, and how.

    Attributes:
        contexts: names such as "http/server".
        arguments: "*" any, "1+" and "2+" at least so many, else each number that fits as a digit.
        block: a block follows, not ";".
    """

    contexts: frozenset[str]
    arguments: str
    block: bool

    def takes(self, number: int) -> bool:
        """Tell whether so many arguments fit."""
        if self.arguments == "*":
            return True
        if self.arguments.endswith("+"):
            return number >= int(self.arguments[0])
        return number <= 9 and str(number) in self.arguments

    @property
    def counts(self) -> str:
        """How many arguments, in words: "1 argument", "1 or 2 arguments", "at least 2 arguments"."""
        if self.arguments == "0":
            return "no argument"
        if self.arguments.endswith("+"):
            return f"at least {_plural(self.arguments[0])}"
        *before, last = list(self.arguments)
        return f"{', '.join(before)} or {last} arguments" if before else _plural(last)


@dataclass(frozen=True)
class Table:
    """What one version of nginx knows.

    Attributes:
        version: of nginx.
        rules: name -> rules, of which the first with the context holds, as in nginx.
        deprecated: name -> the name to use instead, which may be empty.
    """

    version: str
    rules: dict[str, list[Rule]]
    deprecated: dict[str, str]

    def rule(self, name: str, context: str) -> Rule | None:
        """Return the rule of a directive in a context; None when it does not stand there."""
        for rule in self.rules.get(name, ()):
            if context in rule.contexts:
                return rule
        return None


@cache
def table() -> Table:
    """Return the table, read once from the package."""
    content = json.loads(files(__package__).joinpath("directives.json").read_text(encoding="utf-8"))
    rules = {
        name: [Rule(frozenset(contexts), arguments, block) for contexts, arguments, block in entries]
        for name, entries in content["directives"].items()
    }
    return Table(content["nginx"], rules, content["deprecated"])


def title(context: str) -> str:
    """Return how a sentence names a context."""
    return _TITLES.get(context) or f'"{context.rpartition("/")[2]}"'


def _plural(digit: str) -> str:
    return f"{digit} argument{'' if digit == '1' else 's'}"
