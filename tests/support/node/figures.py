"""The figures of a campaign, as a table of Markdown."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.support.load.client import RATE
from tests.support.load.judge import Tally, Verdict

_COLUMNS = (
    *("what happens", "times", "requests", "failed", "wrongly decided", "unanswered by the API server"),
    *("failing for at most", "99 % answered within"),
)


class Run(NamedTuple):
    """One disturbance under load; its begin and end by the monotonic clock, in seconds."""

    began: float
    ended: float
    tally: Tally

    @property
    def failing(self) -> float:
        """Seconds from the first failed admission's begin to the last one's."""
        failed = self.tally.having(Verdict.FAILED)
        return failed[-1].began - failed[0].began if failed else 0.0


@dataclass
class Figures:
    """Runs by the name of their disturbance."""

    runs: dict[str, list[Run]] = field(default_factory=dict)

    def add(self, name: str, run: Run) -> None:
        """Adds a run."""
        self.runs.setdefault(name, []).append(run)

    def write(self, path: Path) -> None:
        """Writes the table and the machine."""
        write_table(path, _COLUMNS, [_row(name, runs) for name, runs in self.runs.items()])


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Writes a Markdown table and the machine it was measured on."""
    path.parent.mkdir(exist_ok=True)
    lines = [columns, ["---"] * len(columns), *rows]
    table = "".join(f"| {' | '.join(map(str, cells))} |\n" for cells in lines)
    machine = f"{RATE:g} requests a second; {os.cpu_count()} cores, Linux {platform.release()}"
    path.write_text(f"{table}\n{machine}\n", encoding="utf-8")


def _row(name: str, runs: list[Run]) -> list[object]:
    tallies = [run.tally for run in runs]
    numbers = [sum(tally.number(v) for tally in tallies) for v in (Verdict.FAILED, Verdict.WRONG, Verdict.UNANSWERED)]
    failing = max(run.failing for run in runs)
    slow = max(tally.seconds(0.99) for tally in tallies)
    requests = sum(len(tally.outcomes) for tally in tallies)
    return [name, len(runs), requests, *numbers, f"{failing:.1f} s" if numbers[0] else "", f"{slow:.2f} s"]
