"""The command line: `python -m release`, which `make package` and `make package-check` run."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from release import build, changelog, twice
from release.source import PLACEHOLDER, ROOT, uncommitted
from testbed.errors import BedError
from testbed.progress import Progress


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="python -m release", description="Writes the files of a release.")
    top.add_argument("--commit", default="HEAD", help="commit or tag to release (default: HEAD)")
    top.add_argument("--into", type=Path, default=ROOT / "dist", help="folder to write into (default: dist)")
    top.add_argument("--registry", default=PLACEHOLDER, help="what stands before /nginx-operator in the image's name")
    what = top.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="build again from nothing, and compare with --into")
    what.add_argument(
        "--notes", metavar="VERSION", help="print what the changelog says of a version, and build nothing"
    )
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        if options.notes:
            print(changelog.notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), options.notes))
            return 0
        return _check(options) if options.check else _package(options)
    except (BedError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _package(options: argparse.Namespace) -> int:
    progress = Progress(sys.stderr)
    if options.commit == "HEAD" and (left := uncommitted()):
        progress.note(f"not in the release, since it is not committed: {', '.join(left)}")
    for file in build.package(options.commit, options.into, options.registry, progress):
        print(f"{file.stat().st_size:>12,}  {file.name}")
    return 0


def _check(options: argparse.Namespace) -> int:
    with twice.empty_cache(), tempfile.TemporaryDirectory() as scratch:
        second = Path(scratch)
        build.package(options.commit, second, options.registry, Progress(sys.stderr))
        if found := twice.different(options.into, second):
            print(f"error: a second build of {options.commit} differs in {', '.join(found)}", file=sys.stderr)
            return 1
        print(f"the second build of {options.commit} is the same, byte for byte:")
        print((second / build.CHECKSUMS).read_text(encoding="utf-8"), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
