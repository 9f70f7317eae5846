"""Brings a bed up for the tests that need it, and takes it down after them."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from testbed import Bed, Level, Progress, missing_for
from testbed.gobuild import KUBERNETES, OLDEST_KUBERNETES, GoModule
from testbed.images import BuiltImage
from testbed.network import Families


@contextmanager
def bed_of_a_level(
    request: pytest.FixtureRequest,
    name: str,
    level: Level,
    kwok_nodes: int = 0,
    images: Sequence[Callable[[Progress], BuiltImage]] = (),
    families: Families = "IPv4",
) -> Iterator[Bed]:
    """Yields a bed with images loaded, and takes it down at the end unless KEEP_BED=1.

    Skips the tests on a machine that cannot run the level, and says what is missing.
    """
    if sentence := missing_for(level):
        pytest.skip(sentence)
    bed = Bed(name, level, kwok_nodes, chosen_kubernetes(), families)
    try:
        with shown(request) as progress:
            built = [make(progress) for make in images]  # first: a cluster, even an idle one, slows the builds down
            bed.up(progress)
            for image in built:
                bed.load_image(image.archive)
        yield bed
    finally:
        bed.disconnect()
        if os.environ.get("KEEP_BED") != "1":
            bed.down()


def chosen_kubernetes() -> GoModule:
    """The Kubernetes that KUBERNETES selects: `newest`, the default, or `oldest`, as `make cluster-oldest` sets."""
    return {"newest": KUBERNETES, "oldest": OLDEST_KUBERNETES}[os.environ.get("KUBERNETES", "newest")]


@contextmanager
def shown(request: pytest.FixtureRequest) -> Iterator[Progress]:
    """Shows progress in spite of pytest's capture: first builds take minutes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        yield Progress(sys.stderr)
