"""Where a ";" is missing: nginx takes the next line for further arguments, and complains of those or not at all."""

from __future__ import annotations

from nginx_operator.api.nginx_conf.directives import Table
from nginx_operator.api.nginx_conf.parser import Directive


def swallowed(directive: Directive, context: str, table: Table) -> str | None:
    """Return the directive that became an argument, since the ";" before it is missing; None when none did."""
    for index in directive.line_starts:
        word = directive.args[index]
        if table.rule(word, context) is not None and len(directive.args) > index + 1:
            return word
    return None
