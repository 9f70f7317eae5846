"""Measures what admission costs beside its peers."""

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from bench.admission.direct import direct
from bench.admission.outcome import TITLES, lost, save, table, with_added
from bench.admission.programs import ROOT
from bench.admission.through import through
from bench.records import RESULTS
from bench.report import machine
from testbed import Bed, BedError, Progress, missing_for

BED = "bench-admission"


def arguments() -> argparse.ArgumentParser:
    """What one may say."""
    parser = argparse.ArgumentParser(prog="python -m bench.admission", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each load lasts (default: %(default)s)")
    parser.add_argument("--besiegers", type=int, default=1000, help="slow connections (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the results")
    parser.add_argument("--replace", action="store_true", help="replace results even by ones that hold less")
    return parser


def main() -> int:
    """Measures, saves once all rounds are complete, prints the tables."""
    options = arguments().parse_args()
    if sentence := missing_for("control-plane"):
        sys.exit(sentence)
    load = {name: getattr(options, name) for name in ("rounds", "seconds", "besiegers")}
    said = " ".join(["python -m bench.admission", *(f"--{name} {value:g}" for name, value in load.items())])
    about = {**machine(), **load, "commands": [said]}
    if not options.replace and (sentence := lost(options.out, about)):
        sys.exit(sentence)
    figures: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in TITLES}
    progress, bed = Progress(sys.stderr), Bed(BED)
    try:
        bed.up(progress)
        for _ in range(options.rounds):
            for name, found in _round(bed, options, progress).items():
                for figure, value in found.items():
                    figures[name][figure].append(value)
        save(figures, options.out, about)
    except BedError as error:
        sys.exit(str(error))
    finally:
        bed.down()
    print(table(figures, about))
    return 0


def _round(bed: Bed, options: argparse.Namespace, progress: Progress) -> dict[str, dict[str, float]]:
    """All figures once."""
    with tempfile.TemporaryDirectory() as folder:
        found = with_added(through(bed, Path(folder), progress, seconds=4 * options.seconds))
        bed.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))  # kopf's server answers nothing without
        for name, environ in (("ours", dict(os.environ)), ("kopf", bed.environment)):
            with progress.step(f"{TITLES[name]} on loopback"):
                measured = direct(name, Path(folder), environ, seconds=options.seconds, besiegers=options.besiegers)
                found[name].update(measured)
        bed.kubectl("delete", "-f", str(ROOT / "crds"))  # the next round's is the chart's
    return found


if __name__ == "__main__":
    sys.exit(main())
