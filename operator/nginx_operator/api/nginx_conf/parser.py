"""A configuration as a tree of directives, as `ngx_conf_parse` of nginx reads it (src/core/ngx_conf_file.c)."""

from __future__ import annotations

from dataclasses import dataclass

from nginx_operator.api.nginx_conf.lexer import PUNCTUATION, WORD, ConfigSyntaxError, tokens

MAX_DEPTH = 100
"""Blocks within blocks. nginx has no limit but its stack."""


@dataclass(slots=True)
class Directive:
    """One directive.

    Attributes:
        name: its first word.
        args: the words behind it.
        line: where the name stands, from 1.
        block: the directives between "{" and "}"; None when ";" ends it.
        line_starts: indices in `args` of unquoted words that are the first on a line.
    """

    name: str
    args: list[str]
    line: int
    block: list[Directive] | None
    line_starts: list[int]


def parse(text: str) -> list[Directive]:
    """Return the directives of `text`.

    Raises:
        ConfigSyntaxError: with the line where the statement begins, which helps more than nginx's, the line
            where it noticed.
    """
    if text.startswith("\ufeff"):
        raise ConfigSyntaxError(1, "the text begins with a byte order mark, which nginx does not read; save it without")
    tree = _Tree([], [], [])
    directive: Directive | None = None
    for kind, value, line, first in tokens(text):
        if kind == PUNCTUATION:
            if value == "}":
                tree.close(directive, line)
            elif directive is None:
                raise ConfigSyntaxError(line, f'unexpected "{value}"; no directive stands before it')
            else:
                tree.add(directive, opens=value == "{", line=line)
            directive = None
        elif directive is None:
            directive = Directive(value, [], line, None, [])
        else:
            if first and kind == WORD:
                directive.line_starts.append(len(directive.args))
            directive.args.append(value)
    return tree.whole(directive)


@dataclass(slots=True)
class _Tree:
    """The tree while it is read: the block being filled, those around it, and the directives that opened them."""

    here: list[Directive]
    above: list[list[Directive]]
    opened: list[Directive]

    def add(self, directive: Directive, *, opens: bool, line: int) -> None:
        self.here.append(directive)
        if opens:
            if len(self.opened) == MAX_DEPTH:
                raise ConfigSyntaxError(line, f"more than {MAX_DEPTH} blocks stand within each other")
            self.above.append(self.here)
            self.opened.append(directive)
            self.here = directive.block = []

    def close(self, directive: Directive | None, line: int) -> None:
        if directive is not None:
            raise unterminated(directive)
        if not self.opened:
            raise ConfigSyntaxError(line, 'unexpected "}"; no block is open here')
        self.opened.pop()
        self.here = self.above.pop()

    def whole(self, directive: Directive | None) -> list[Directive]:
        if directive is not None:
            raise unterminated(directive)
        if self.opened:
            last = self.opened[-1]
            if (torn := _torn(self.opened[0])) is not None:
                raise ConfigSyntaxError(
                    torn.line, f'"{{" ends an argument before "{torn.name[:80]}"; put quotes around the argument'
                )
            raise ConfigSyntaxError(last.line, f'the block of "{last.name[:80]}" is not closed by "}}"')
        return self.here


def _torn(directive: Directive) -> Directive | None:
    """Return the rest of an unquoted regular expression such as `^/a{8,}$`, which nginx takes for a block; or None."""
    waiting = [directive]
    while waiting:
        for inner in waiting.pop().block or ():
            if inner.block is not None:
                if inner.name[0:1].isdigit() and "}" in inner.name:
                    return inner
                waiting.append(inner)
    return None


def unterminated(directive: Directive) -> ConfigSyntaxError:
    """Return the error of a directive that "}" or the end of the text follows."""
    return ConfigSyntaxError(directive.line, f'directive "{directive.name[:80]}" is not terminated by ";"')
