"""Results as a table. Figures are compared within one run only."""

import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.contenders import CONTENDERS
from bench.trial import ROOT, Result

#: Figure, title, unit's factor, digits.
ROWS: Final = (
    ("converge", "converge, s", 1.0, 1),
    ("converge p50", "an Nginx, p50, s", 1.0, 2),
    ("converge p99", "an Nginx, p99, s", 1.0, 2),
    ("converge cpu", "CPU while converging, s", 1.0, 2),
    ("converge cluster cpu", "CPU of the control plane while converging, s", 1.0, 1),
    ("writes per nginx", "writes an Nginx", 1.0, 2),
    ("scale", "scale 3 to 4, s", 1.0, 1),
    ("scale cpu", "CPU while scaling, s", 1.0, 2),
    ("scale cluster cpu", "CPU of the control plane while scaling, s", 1.0, 1),
    ("scale writes", "writes an Nginx while scaling", 1.0, 2),
    ("scale statuses", "of these, statuses", 1.0, 2),
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
        "commit": _commit(),
    }


def _commit() -> str:
    """What is measured; with `-dirty` where files have changed since, and empty outside of a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def table(results: Sequence[Result], about: dict[str, Any]) -> str:
    """What was measured where, by which commands, and a Markdown table for each job."""
    tables = "".join(f"\n## {job}\n\n{job_table(results, job)}" for job in jobs(results))
    return f"# Results\n\n{origin(about)}\n{tables}"


def origin(about: Mapping[str, Any]) -> str:
    """Where, when and by which commands something was measured, as Markdown."""
    words = ", ".join(f"{name} {value}" for name, value in about.items() if name != "commands" and value != "")
    commands = "".join(f"\n- `{command}`" for command in dict.fromkeys(about.get("commands", ())))
    return f"{words[:1].upper()}{words[1:]}.\n{commands}\n"


def job_table(results: Sequence[Result], job: str) -> str:
    """A Markdown table: medians, and in brackets the least and the most where there were several rounds."""
    names = _contenders(results, job)
    parts = [f"| | {' | '.join(CONTENDERS[name].title for name in names)} |\n|---|{'---:|' * len(names)}"]
    rounds = [len(values(results, name, job, "converge")) for name in names]
    parts.append(f"| rounds | {' | '.join(map(str, rounds))} |")
    for figure, title, factor, digits in ROWS:
        cells = [cell(values(results, name, job, figure), factor, digits) for name in names]
        if set(cells) != {"-"}:
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
