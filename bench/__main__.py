"""The command line of the benchmark: `python -m bench --help`."""

import argparse
import asyncio
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.contenders import CONTENDERS
from bench.report import machine, save, saved, table
from bench.trial import ROOT, Result, Size, measure
from testbed import Bed, BedError, Progress, missing_for

BED: Final = "bench"
#: A fake node takes 250 pods; each Nginx has four at most, and a node that is full makes a trial of the scheduler's.
NGINXES_PER_NODE: Final = 50
FEWEST_NODES: Final = 20


def arguments() -> argparse.ArgumentParser:
    """What one may say."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure nginx-operator beside its peers.")
    parser.add_argument("--sizes", default="100,1000", help="numbers of Nginx, with commas (default: %(default)s)")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help="which, with commas (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: %(default)s)")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds of doing nothing (default: %(default)s)")
    parser.add_argument("--changes", type=int, default=100, help="single changes to react to (default: %(default)s)")
    parser.add_argument("--no-scale", action="store_true", help="leave out the scaling of all from 3 to 4")
    parser.add_argument("--no-services", action="store_true", help="Nginx without Services (ours and go only)")
    parser.add_argument("--add", action="store_true", help="add to the results that are there, of other sizes say")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results", help="folder for the results")
    parser.add_argument("--picture", action="store_true", help="draw results.svg too, with matplotlib")
    return parser


def main() -> int:
    """Measures, saves after each trial, prints the table. 0 if all trials came to their end."""
    options = arguments().parse_args()
    if sentence := missing_for("control-plane"):
        sys.exit(sentence)
    progress = Progress(sys.stderr)
    results, before = saved(options.out) if options.add else ([], {})
    commands = [*before.get("commands", []), shlex.join(["python", "-m", "bench", *sys.argv[1:]])]
    about = {**machine(), "commands": commands}
    for nginxes in (int(size) for size in options.sizes.split(",")):
        size = Size(
            nginxes, options.idle, min(options.changes, nginxes - 1), not options.no_scale, not options.no_services
        )
        for turn in range(options.rounds):
            names = [n for n in options.contenders.split(",") if nginxes <= (CONTENDERS[n].most or nginxes)]
            # Whoever comes first meets a colder machine: the order turns round by round.
            for name in names if turn % 2 == 0 else reversed(names):
                results.append(_trial(name, size, progress))
                save(results, options.out, about)
    print(table(results, about))
    if options.picture:
        from bench.picture import picture

        picture(results, options.out / "results.svg")
    return 0


def _trial(name: str, size: Size, progress: Progress) -> Result:
    bed = Bed(BED, kwok_nodes=max(FEWEST_NODES, size.nginxes // NGINXES_PER_NODE))
    try:
        CONTENDERS[name].command(progress)  # builds are no part of what is measured
        bed.up(progress)
        with tempfile.TemporaryDirectory() as folder:
            return asyncio.run(measure(name, size, bed, Path(folder), progress))
    except BedError as error:
        sys.exit(str(error))
    finally:
        bed.down()


if __name__ == "__main__":
    sys.exit(main())
