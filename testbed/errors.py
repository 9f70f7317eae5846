"""The exception of the test bed, and its message for a part that failed."""

from __future__ import annotations

from pathlib import Path

TAIL_LINES = 15


class BedError(Exception):
    """The message names the part that failed and quotes the end of its log."""


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """Return the last `lines` lines of a log file; an empty string when there is none."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def part_failed(part: str, problem: str, log: Path) -> BedError:
    """Build the error for a part: its name, the problem, its log file and the log's last lines."""
    last = tail(log)
    indented = "\n".join(f"    {line}" for line in last.splitlines())
    ending = f"its last lines:\n{indented}" if last else "it is empty"
    return BedError(f"{part}: {problem}\n  log: {log}, {ending}")
