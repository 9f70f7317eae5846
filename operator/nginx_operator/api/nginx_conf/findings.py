"""What the judge finds in a configuration."""

from __future__ import annotations

from dataclasses import dataclass

from nginx_operator.api.nginx_conf.listens import Listen

MOST_FINDINGS = 20
"""Of errors, and of warnings, each."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong, or odd. `str` of it is "config.http.inline:12: directive ...".

    Attributes:
        line: from 1.
        message: a sentence without the place.
        path: the field that holds the text.
    """

    line: int
    message: str
    path: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a configuration.

    Attributes:
        errors: it is refused; by line, at most MOST_FINDINGS.
        warnings: likewise.
        listens: what its servers listen on, includes not followed.
    """

    errors: list[Finding]
    warnings: list[Finding]
    listens: list[Listen]
