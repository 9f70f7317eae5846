"""The release before this one becomes this one, and back, while Nginx serve and users write: nobody notices.

CAMPAIGN=N does it with 20 Nginx on both Helms, and writes the table of docs/lifecycle.md to build/lifecycle.md.
PREVIOUS=<tag or commit> names the release before.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from testbed.images import PROJECT
from tests.support.beds import shown
from tests.support.campaign import CAMPAIGN
from tests.support.load.judge import Verdict
from tests.support.namespaces import Namespace, fresh, serving
from tests.support.node import versions
from tests.support.node.changes import ALL, SHORT, Story
from tests.support.node.disturbances import OPTIONS, Disturbance
from tests.support.node.figures import Run, write_table
from tests.support.node.loaded import lost, under_load
from tests.support.node.operands import Operands, Served
from tests.support.node.release import Release
from tests.support.node.versions import Versions

NUMBER = 20 if CAMPAIGN else 3
#: Requests under way at most: 2 s of them. Nothing here may make one wait for longer but a machine that stands still.
AT_ONCE = 100
COLUMNS = (
    *("what happens", "Helm", "admissions", "failed", "wrongly decided", "pages", "failed", "nginx pods replaced"),
    *("writes of Deployments, ReplicaSets, Services", "seconds", "99 % of admissions within"),
)


@dataclass
class Matrix:
    """What was measured: one row for each change of each story."""

    rows: list[list[object]] = field(default_factory=list)

    def add(self, story: Story, change: Disturbance, run: Run, served: Served) -> None:
        """Takes in a change."""
        tally, pages = run.tally, served.pages
        admissions = [len(tally.outcomes), tally.number(Verdict.FAILED), tally.number(Verdict.WRONG)]
        self.rows.append(
            [
                *(change.name, story.title, *admissions, pages.requests, len(pages.failed), len(served.replaced)),
                *(len(served.written), f"{run.ended - run.began:.0f}", f"{tally.seconds(0.99):.2f} s"),
            ]
        )


@pytest.fixture(scope="module")
def matrix() -> Iterator[Matrix]:
    """What is measured, written down at the end of a campaign."""
    matrix = Matrix()
    yield matrix
    if CAMPAIGN:
        write_table(PROJECT / "build" / "lifecycle.md", COLUMNS, matrix.rows)


@pytest.fixture(scope="module")
def charts(release: Release, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """The previous release and this one."""
    with shown(request) as progress:
        return versions.made(release.bed, tmp_path_factory.mktemp("charts"), progress)


@pytest.fixture
def clean(release: Release) -> Iterator[Release]:
    """The release before its first install; what a test leaves is removed."""
    yield release
    release.uninstall()
    release.remove_definition()


async def happens(change: Disturbance, release: Release, operands: Operands) -> tuple[Run, Served]:
    """What became of admissions and of what serves, while it happened."""
    with operands.watched() as served:
        run = await under_load(release, change, AT_ONCE)
    return run, served


def noticed(change: Disturbance, run: Run, served: Served) -> bool:
    """Whether anybody did: a request that failed, but for those that had to, a page, a pod, or a write of a child."""
    tally = run.tally
    late = [o for o in tally.outcomes if o.verdict is not Verdict.RIGHT and o.began > run.ended]
    failed = tally.number(Verdict.WRONG) + tally.number(Verdict.UNANSWERED) + len(late)
    failed += 0 if change.loses else lost(tally)
    return bool(failed or served.pages.failed or served.replaced or served.written)


def works(namespace: Namespace) -> None:
    """An Nginx is defaulted, run and taken away, and an invalid one is refused by the webhook."""
    assert "spec.count: 101 is more than" in namespace.apply({"count": 101}, "probe", check=False).stderr
    namespace.apply({}, "probe")
    namespace.wait("nginx", serving(1), "probe")
    namespace.kubectl("delete", "nginx", "probe")
    namespace.wait_gone("deployment", "probe")


@pytest.mark.parametrize("story", ALL if CAMPAIGN else SHORT, ids=lambda story: story.title)
async def test_nobody_notices_an_upgrade_or_a_rollback(
    story: Story, clean: Release, charts: Versions, matrix: Matrix
) -> None:
    clean.install(story.installed_by, *OPTIONS, chart=charts.previous)
    with fresh(clean.bed) as serving_ones, fresh(clean.bed) as trial:
        operands = await asyncio.to_thread(Operands.make, serving_ones, NUMBER)
        faults = []
        for change in story.changes(charts):
            run, served = await happens(change, clean, operands)
            matrix.add(story, change, run, served)
            if noticed(change, run, served):
                faults.append(f"{change.name}\n{run.tally}\n{served}")
            await asyncio.to_thread(works, trial)
        assert not faults, "\n\n".join(faults)


def test_the_charts_differ_in_version_image_and_crd(charts: Versions) -> None:
    def text(chart: Path, file: str) -> str:
        return (chart / file).read_text(encoding="utf-8")

    crd = "files/crds/proxy.example.com_nginxes.yaml"
    assert versions.VERSION in text(charts.previous, "Chart.yaml")
    assert text(charts.previous_with_this_crd, crd) == text(charts.this, crd)
    assert text(charts.this_with_previous_crd, crd) == text(charts.previous, crd)
    assert text(charts.previous, crd) != text(charts.this, crd)
