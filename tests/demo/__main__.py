"""The command line of `make demo`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from testbed import BedError
from tests.demo.console import Console, DemoError
from tests.demo.places import CurrentPlace, EmbeddedPlace, Place
from tests.demo.story import Story


def parser() -> argparse.ArgumentParser:
    """The options; make passes them all."""
    options = argparse.ArgumentParser(
        prog="python -m tests.demo", description="Install the operator and show what it does."
    )
    options.add_argument("--cluster", choices=["embedded", "current"], default="embedded")
    options.add_argument("--bed", default="demo", help="name of the embedded cluster")
    options.add_argument("--image-repository", default="", help="the operator's image, for --cluster current")
    options.add_argument("--image-tag", default="", help="its tag")
    return options


def main() -> int:
    """Run the demo; 0 when all was as it should be."""
    arguments = parser().parse_args()
    began = time.monotonic()
    place: Place
    if arguments.cluster == "embedded":
        place = EmbeddedPlace(arguments.bed)
    else:
        place = CurrentPlace(arguments.image_repository, arguments.image_tag)
    try:
        environment = place.prepare(sys.stdout)
        console = Console(sys.stdout, environment)
        console.say(place.greeting())
        Story(console, place).tell()
        console.heading(f"All was as it should be, in {time.monotonic() - began:.0f} s. To go on by hand:")
        console.say(place.farewell())
    except (DemoError, BedError) as error:
        sys.stdout.flush()
        sys.stderr.write(f"\nThe demo stopped: {error}\n{place.help()}")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"\nThe demo was interrupted.\n{place.help()}")
        return 130
    return 0


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parents[2])
    sys.exit(main())
