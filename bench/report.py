"""Results as JSON and as a table. Figures are compared within one run only."""

import json
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.contenders import CONTENDERS
from bench.trial import Result

#: Figure, title, unit's factor, digits.
ROWS: Final = (
    ("converge", "converge, s", 1.0, 1),
    ("converge p50", "an Nginx, p50, s", 1.0, 2),
    ("converge p99", "an Nginx, p99, s", 1.0, 2),
    ("converge cpu", "CPU while converging, s", 1.0, 2),
    ("writes per nginx", "writes an Nginx", 1.0, 2),
    ("scale", "scale 3 to 4, s", 1.0, 1),
    ("scale cpu", "CPU while scaling, s", 1.0, 2),
    ("scale writes", "writes an Nginx while scaling", 1.0, 2),
    ("peak rss", "peak RSS, MB", 1e-6, 0),
    ("restart", "restart until it acts, s", 1.0, 2),
    ("restart cpu", "CPU while restarting, s", 1.0, 2),
    ("restart writes", "writes after a restart", 1.0, 0),
    ("idle cpu", "idle CPU, % of a core", 100.0, 2),
    ("reaction p50", "reaction to a change, p50, ms", 1000.0, 1),
    ("reaction p99", "reaction to a change, p99, ms", 1000.0, 1),
)


def machine() -> dict[str, Any]:
    """Where it was measured, and when."""
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = next((int(line.split()[1]) // 1024 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    cores = sum(line.startswith("processor") for line in _lines("/proc/cpuinfo"))
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cpu": cpu,
        "cores": cores,
        "memory MiB": memory,
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def save(results: Sequence[Result], folder: Path, about: dict[str, Any]) -> None:
    """Write results.json and results.md into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"about": about, "results": [asdict(result) for result in results]}
    (folder / "results.json").write_text(json.dumps(whole, indent=1) + "\n")
    (folder / "results.md").write_text(table(results, about))


def saved(folder: Path) -> tuple[list[Result], dict[str, Any]]:
    """What `save` wrote into the folder: results, and what is said about them."""
    found = json.loads((folder / "results.json").read_text())
    return [Result(**result) for result in found["results"]], found["about"]


def table(results: Sequence[Result], about: dict[str, Any]) -> str:
    """A Markdown table a job: medians, and in brackets the least and the most where there were several rounds."""
    words = ", ".join(f"{name} {value}" for name, value in about.items() if name != "commands")
    commands = "".join(f"\n- `{command}`" for command in about.get("commands", ()))
    parts = [f"# Results\n\n{words}.\n{commands}\n\nMedians; in brackets the least and the most of the rounds.\n"]
    for job in jobs(results):
        names = _contenders(results, job)
        rounds = max(len(values(results, name, job, "converge")) for name in names)
        parts.append(f"\n## {job}, {rounds} round{'s' if rounds > 1 else ''}\n")
        parts.append(f"| | {' | '.join(CONTENDERS[name].title for name in names)} |\n|---|{'---:|' * len(names)}")
        for figure, title, factor, digits in ROWS:
            cells = (cell(values(results, name, job, figure), factor, digits) for name in names)
            parts.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(parts) + "\n"


def jobs(results: Iterable[Result]) -> list[str]:
    """What was asked of contenders, smaller jobs first."""
    return list(dict.fromkeys(r.job for r in sorted(results, key=lambda r: (r.nginxes, not r.services))))


def values(results: Iterable[Result], contender: str, job: str, figure: str) -> list[float]:
    """A figure of all rounds in which it was measured."""
    of_it = (result.figures for result in results if (result.contender, result.job) == (contender, job))
    return [figures[figure] for figures in of_it if figure in figures]


def cell(found: Sequence[float], factor: float, digits: int) -> str:
    """Median (least-most)."""
    if not found:
        return "-"
    scaled = [value * factor for value in found]
    middle = f"{statistics.median(scaled):.{digits}f}"
    return middle if len(scaled) == 1 else f"{middle} ({min(scaled):.{digits}f}-{max(scaled):.{digits}f})"


def _contenders(results: Iterable[Result], job: str) -> list[str]:
    present = {result.contender for result in results if result.job == job}
    return [name for name in CONTENDERS if name in present]


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
