"""The command line of the benchmark: `python -m bench --help`."""

import argparse
import asyncio
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.contenders import CONTENDERS
from bench.records import RESULTS, converge_name, lost, read_results, write_results
from bench.report import machine, table
from bench.trial import Result, Size, measure
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
    parser.add_argument("--add", action="store_true", help="add rounds to the results of that size that are there")
    parser.add_argument("--replace", action="store_true", help="replace results even by ones that hold less")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the results, a file for each size")
    return parser


def main() -> int:
    """Measures, saves each size once it is complete, prints the tables. 0 if all trials came to their end."""
    options = arguments().parse_args()
    if sentence := missing_for("control-plane"):
        sys.exit(sentence)
    sizes = [
        Size(number, options.idle, min(options.changes, number - 1), not options.no_scale, not options.no_services)
        for number in map(int, options.sizes.split(","))
    ]
    if not options.add and not options.replace:
        for size in sizes:
            if sentence := lost(_file(options, size), _names(options, size), scales=size.scales, rounds=options.rounds):
                sys.exit(sentence)
    for size in sizes:
        _measure(size, options, Progress(sys.stderr))
    return 0


def _file(options: argparse.Namespace, size: Size) -> Path:
    folder: Path = options.out
    return folder / converge_name(size.nginxes, services=size.services)


def _names(options: argparse.Namespace, size: Size) -> list[str]:
    """The contenders that are asked for, without those that cannot do that many."""
    return [n for n in options.contenders.split(",") if size.nginxes <= (CONTENDERS[n].most or size.nginxes)]


def _measure(size: Size, options: argparse.Namespace, progress: Progress) -> None:
    """All rounds of one size. Its file is written when the last is over, or none is lost with an earlier one's."""
    path, names = _file(options, size), _names(options, size)
    results, before = read_results(path) if options.add and path.exists() else ([], {})
    commands = [*before.get("commands", []), shlex.join(["python", "-m", "bench", *_said(sys.argv[1:])])]
    about = {**machine(), "commands": commands}
    for turn in range(options.rounds):
        # Whoever comes first meets a colder machine: the order turns round by round.
        for name in names if turn % 2 == 0 else reversed(names):
            results.append(_trial(name, size, progress))
            write_results(path.with_suffix(".unfinished"), results, about)
    write_results(path, results, about)
    path.with_suffix(".unfinished").unlink(missing_ok=True)
    print(table(results, about))


def _said(words: Sequence[str]) -> list[str]:
    """A command line without where its results went, which is this machine's."""
    kept, skip = [], False
    for word in words:
        if not skip and not word.startswith("--out"):
            kept.append(word)
        skip = word == "--out"
    return kept


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
