"""CHANGELOG.md, read: the form is that of Keep a Changelog 1.1.0."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

UNRELEASED = "Unreleased"
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
HEADING = re.compile(r"## \[(?P<version>[^]]+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?")


@dataclass
class Version:
    """What the changelog says of one version.

    Attributes:
        name: such as `1.2.3`, or `Unreleased`.
        date: when it was released, as `2026-11-23`; empty before.
        kinds: kind of change -> its lines, of Markdown.
    """

    name: str
    date: str
    kinds: dict[str, list[str]] = field(default_factory=dict)


def versions(text: str) -> list[Version]:
    """Return the versions, the newest first as they stand.

    Raises:
        ValueError: a line is not of the form; the message says which.
    """
    found: list[Version] = []
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            heading = HEADING.fullmatch(line)
            if heading is None:
                raise ValueError(f"line {number}: {line!r} is not '## [1.2.3] - 2026-11-23'")
            found.append(Version(heading["version"], heading["date"] or ""))
        elif line.startswith("### "):
            kind = line.removeprefix("### ")
            if not found or kind not in KINDS or kind in found[-1].kinds:
                raise ValueError(f"line {number}: {line!r} is no kind of change, or stands twice in its version")
            found[-1].kinds[kind] = lines = []
        elif found and line.strip():
            if not found[-1].kinds or not line.startswith(("- ", "  ")):
                raise ValueError(f"line {number}: {line!r} belongs to no change")
            lines.append(line)
    return found


def notes(text: str, version: str) -> str:
    """Return what is new in a version, as Markdown.

    Raises:
        ValueError: the changelog has no such version.
    """
    for found in versions(text):
        if found.name == version:
            return "\n\n".join(f"### {kind}\n\n" + "\n".join(lines) for kind, lines in found.kinds.items())
    raise ValueError(f"CHANGELOG.md has no version {version}.")
