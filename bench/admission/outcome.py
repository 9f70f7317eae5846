"""Figures as JSON and as tables. They are compared within one run only."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.records import ADMISSION, read, refusal, write
from bench.report import cell, origin

#: Figures of all rounds, by contender and figure.
Figures = Mapping[str, Mapping[str, Sequence[float]]]

TITLES: Final = {
    "none": "no admission",
    "ours": "nginx-webhooks",
    "policy": "ValidatingAdmissionPolicy",
    "kopf": "kopf's admission server",
}
#: Title of a table -> rows of (figure, title, unit's factor, digits).
TABLES: Final = {
    "A create through the API server, 100 a second in all, in turns": (
        ("create p50", "create, p50, ms", 1e3, 2),
        ("create p99", "create, p99, ms", 1e3, 2),
        ("dry run p50", "dry run, p50, ms", 1e3, 2),
        ("dry run p99", "dry run, p99, ms", 1e3, 2),
        ("added create p50", "added to a create, p50, ms", 1e3, 2),
        ("added create p99", "added to a create, p99, ms", 1e3, 2),
        ("added dry run p50", "added to a dry run, p50, ms", 1e3, 2),
        ("added dry run p99", "added to a dry run, p99, ms", 1e3, 2),
        ("managed start", "start to ready with a certificate of its own, s", 1, 2),
        ("managed rss", "memory at the end, MB", 1e-6, 1),
    ),
    "One process on one core, without an API server": (
        ("start", "start to the first answer, s", 1, 2),
        ("idle rss", "memory after it, MB", 1e-6, 1),
        *(
            row
            for path in ("validate", "mutate")
            for connections in (8, 64)
            for row in (
                (f"{path} {connections} rate", f"/{path}, {connections} connections, reviews/s", 1, 0),
                (f"{path} {connections} cpu", "- CPU for one, µs", 1e6, 0),
                (f"{path} {connections} p50", "- p50, ms", 1e3, 2),
                (f"{path} {connections} p99", "- p99, ms", 1e3, 2),
            )
        ),
        ("rss", "memory after all that, MB", 1e-6, 1),
    ),
    "Honest requests beside slow connections": (
        ("siege p50", "p50, ms", 1e3, 2),
        ("siege p99", "p99, ms", 1e3, 2),
        ("siege asked", "asked", 1, 0),
        ("siege failed", "of them not answered with 200", 1, 0),
        ("siege rss", "peak memory, MB", 1e-6, 1),
    ),
}


def with_added(figures: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The same with what each way adds to a create of the same round without admission."""
    none = figures.get("none", {})
    for way, found in figures.items():
        if way != "none":
            added = {f"added {name}": found[name] - none[name] for name in none if name in found}
            found.update(added)
    return figures


def save(figures: Figures, folder: Path, about: Mapping[str, Any]) -> None:
    """Write admission.json into the folder."""
    write(folder / ADMISSION, {"about": about, "figures": figures})


def lost(folder: Path, about: Mapping[str, Any]) -> str | None:
    """A sentence on what a run would lose of the file that it is going to replace; None if nothing."""
    path = folder / ADMISSION
    if not path.exists():
        return None
    before = read(path)["about"]
    less = [name for name in ("rounds", "seconds", "besiegers") if about[name] < before[name]]
    return refusal(path, [f"has fewer {name} ({about[name]:g}, not {before[name]:g})" for name in less])


def table(figures: Figures, about: Mapping[str, Any]) -> str:
    """What was measured where, by which command, and the tables."""
    return f"# Admission\n\n{origin(about)}\n{tables(figures, '##')}"


def tables(figures: Figures, level: str) -> str:
    """A Markdown table for each kind of figure: medians, and in brackets the least and the most of the rounds.

    Args:
        figures: of all contenders.
        level: number signs of the tables' headings.
    """
    parts = []
    for title, rows in TABLES.items():
        shown = [row for row in rows if any(figures[name].get(row[0]) for name in figures)]
        names = [name for name in TITLES if any(row[0] in figures.get(name, {}) for row in shown)]
        if not names:
            continue
        lines = [f"{level} {title}\n\n| | {' | '.join(TITLES[name] for name in names)} |\n|---|{'---:|' * len(names)}"]
        for figure, what, factor, digits in shown:
            cells = (cell(figures[name].get(figure, ()), factor, digits) for name in names)
            lines.append(f"| {what} | {' | '.join(cells)} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
