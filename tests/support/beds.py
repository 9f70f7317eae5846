"""Beds for the tests of a level: up when its first test begins, down when its last one has ended."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from testbed import Bed, Level, Progress, missing_for
from testbed.gobuild import KUBERNETES, OLDEST_KUBERNETES, GoModule
from testbed.images import BuiltImage


@contextmanager
def bed_of_a_level(
    request: pytest.FixtureRequest,
    name: str,
    level: Level,
    kwok_nodes: int = 0,
    images: Sequence[Callable[[Progress], BuiltImage]] = (),
) -> Iterator[Bed]:
    """A bed with images loaded. It is taken down at the end whatever happened, unless KEEP_BED=1.

    A machine that cannot run the level skips its tests, with a sentence that says what is missing.
    """
    if sentence := missing_for(level):
        pytest.skip(sentence)
    bed = Bed(name, level, kwok_nodes, chosen_kubernetes())
    try:
        with shown(request) as progress:
            built = [make(progress) for make in images]  # first: a cluster, even an idle one, slows the builds down
            bed.up(progress)
            for image in built:
                bed.load_image(image.archive)
        yield bed
    finally:
        if os.environ.get("KEEP_BED") != "1":
            bed.down()


def chosen_kubernetes() -> GoModule:
    """The Kubernetes that KUBERNETES names: `newest`, as always but in `make cluster-oldest`, or `oldest`."""
    return {"newest": KUBERNETES, "oldest": OLDEST_KUBERNETES}[os.environ.get("KUBERNETES", "newest")]


@contextmanager
def shown(request: pytest.FixtureRequest) -> Iterator[Progress]:
    """A progress that is seen in spite of pytest: what is made for the first time takes minutes."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        yield Progress(sys.stderr)
