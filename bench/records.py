"""The files of results: one for each purpose and size, so that no run overwrites another's.

    bench/results/converge-1000.json                     `make bench`, one file for each size
    bench/results/converge-10000-without-services.json
    bench/results/cycles-10000.json                      `make bench-cycles`
    bench/results/changes.json                           `make bench-changes`
    bench/results/admission.json                         `make bench-admission`

Each holds `about`: the machine, the day, the commit, and the commands that made it. The pages' tables and figures are
written from these files (`bench.pages`).
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from bench.trial import ROOT, Result

RESULTS: Final = ROOT / "bench" / "results"
ADMISSION: Final = "admission.json"


def converge_name(nginxes: int, *, services: bool) -> str:
    """The file of a size."""
    return f"converge-{nginxes}{'' if services else '-without-services'}.json"


def cycles_name(count: int) -> str:
    """The file of the memory over so many Nginx that come and go."""
    return f"cycles-{count}.json"


def changes_name() -> str:
    """The file of what each change of a spec makes a cluster do."""
    return "changes.json"


def write(path: Path, whole: Mapping[str, Any]) -> None:
    """Write a file at once: whoever interrupts a run of hours finds the former one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def read(path: Path) -> dict[str, Any]:
    """What `write` wrote."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write_results(path: Path, results: Sequence[Result], about: Mapping[str, Any]) -> None:
    """Write the results of one size."""
    write(path, {"about": about, "results": [asdict(result) for result in results]})


def read_results(path: Path) -> tuple[list[Result], dict[str, Any]]:
    """What `write_results` wrote: results, and what is said about them."""
    found = read(path)
    return [Result(**result) for result in found["results"]], found["about"]


def drawn_from(*names: str, results: Path = RESULTS) -> str:
    """What a picture says of the results that it was drawn from; another text when any of them is another."""
    digest = hashlib.sha256(b"".join((results / name).read_bytes() for name in names)).hexdigest()[:16]
    return f"Drawn from {', '.join(names)} ({digest})"


def lost(path: Path, contenders: Collection[str], *, scales: bool, rounds: int) -> str | None:
    """A sentence on what a run would lose of the file that it is going to replace; None if nothing, or there is none.

    A quick trial of our own must not take the place of hours of comparison.
    """
    if not path.exists():
        return None
    results, _ = read_results(path)
    missing = sorted({result.contender for result in results} - set(contenders))
    before = max((sum(r.contender == name for r in results) for name in contenders), default=0)
    reasons = [f"leaves out {', '.join(missing)}"] if missing else []
    if not scales and any("scale" in result.figures for result in results):
        reasons.append("leaves out the scaling")
    if rounds < before:
        reasons.append(f"has fewer rounds ({rounds}, not {before})")
    return refusal(path, reasons)


def refusal(path: Path, reasons: Sequence[str]) -> str | None:
    """A sentence on why a run must not replace a file; None without reasons."""
    if not reasons:
        return None
    return (
        f"{path} holds more than this run would: it {' and '.join(reasons)}. Name another folder with --out, "
        "or give --replace to let the new results take their place."
    )
