"""A configuration as tokens, exactly as `ngx_conf_read_token` of nginx takes it apart (src/core/ngx_conf_file.c).

What surprises in it, and holds here too: a comment begins only where a token may begin; quotes count only there, and
what follows a closing quote must be a space, ";", "{" or ")"; "}" inside an unquoted token is part of it, "{" ends it
unless it follows "$"; a carriage return is a space, but only a line feed ends a line; a token or a comment has to fit
into a buffer of 4,096 bytes, with the character that ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

BUFFER = 4096
"""Bytes: NGX_CONF_BUFFER."""

WORD, QUOTED, PUNCTUATION = "word", "quoted", "punctuation"

Token = tuple[str, str, int, bool]
"""Kind, value (unescaped), line (from 1), and whether it is the first on its line."""

_TOKEN = re.compile(
    r"""
    [ \t\r\n]*+
    (?: ([;{}])
      | (\#[^\n]*+)
      | "([^"\\]*+(?:\\.[^"\\]*+)*+)"
      | '([^'\\]*+(?:\\.[^'\\]*+)*+)'
      | ((?:[^\\$ \t\r\n;{}\#"']|\\.|\$\{*+)(?:[^\\$ \t\r\n;{]++|\\.|\$\{*+)*+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_PUNCTUATION, _COMMENT, _DOUBLE, _SINGLE, _WORD = 1, 2, 3, 4, 5

_ESCAPE = re.compile(r"\\([\"'\\trn])")
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n"}

_BYTES_PER_CHARACTER = 4


class ConfigSyntaxError(Exception):
    """The text is no configuration.

    Attributes:
        line: where, from 1.
        message: a sentence without the place.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line = line
        self.message = message


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of `text`, comments left out.

    Raises:
        ConfigSyntaxError: a token that nginx does not read.
    """
    match, count = _TOKEN.match, text.count
    position, counted, line, line_of_last = 0, 0, 1, 0
    while found := match(text, position):
        kind = found.lastindex or 0
        start, end = found.span(kind)
        line += count("\n", counted, start)
        counted = start
        if (end - start) * _BYTES_PER_CHARACTER >= BUFFER - _BYTES_PER_CHARACTER:
            _require_buffer(text, kind, start, end, line)
        position = found.end()
        first = line != line_of_last
        line_of_last = line
        if kind == _PUNCTUATION:
            yield PUNCTUATION, text[start], line, first
        elif kind == _WORD:
            yield WORD, unescaped(text[start:end]), line, first
        elif kind != _COMMENT:
            line_of_last += count("\n", start, end)
            _require_space(text, position, line_of_last)
            yield QUOTED, unescaped(text[start:end]), line, first
    _require_end(text, position, line + count("\n", counted, position))


def unescaped(raw: str) -> str:
    r"""Return what a token means: `\"`, `\'`, `\\`, `\t`, `\r`, `\n` are replaced; another backslash stays."""
    if "\\" not in raw:
        return raw
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), raw)


def _require_space(text: str, position: int, line: int) -> None:
    following = text[position : position + 1]
    if following and following not in " \t\r\n;{)":
        raise ConfigSyntaxError(
            line, f'unexpected "{following}" behind a closing quote; put a space or ";" between them'
        )


def _require_buffer(text: str, kind: int, start: int, end: int, line: int) -> None:
    """Refuse a token or a comment that does not fit into nginx's buffer with what has to be read behind it."""
    size = len(text[start:end].encode("utf-8", "surrogatepass"))
    following = text[end + 1 : end + 2] if kind in (_DOUBLE, _SINGLE) else text[end : end + 1]
    if kind == _COMMENT:
        fits = size < BUFFER or (size == BUFFER and not following)
    else:
        read = size + (1 if kind == _WORD else 2)
        fits = read <= BUFFER and (read < BUFFER or following in (";", "{", ")"))
    if not fits:
        what = "a comment" if kind == _COMMENT else "an argument"
        raise ConfigSyntaxError(line, f"{what} of {size} bytes is too long; nginx reads less than {BUFFER}")


def _require_end(text: str, position: int, line: int) -> None:
    """Refuse what stands behind the last token that could be read: an open quote, or a lone backslash."""
    rest = text[position:]
    left = rest.lstrip(" \t\r\n")
    if not left:
        return
    line += rest.count("\n", 0, len(rest) - len(left))
    if left[0] in "\"'":
        raise ConfigSyntaxError(line, f"the quote {left[0]} that opens here is not closed")
    raise ConfigSyntaxError(line, "the text ends in a backslash")
