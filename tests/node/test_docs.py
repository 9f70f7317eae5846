"""The commands of every page, as a user types them, on a real cluster; and a list of those that cannot run here."""

import json
import sys
from collections.abc import Iterator, Sequence

import pytest

from testbed.images import CHART
from tests.support.docs.blocks import PAGES, ROOT, Block, blocks
from tests.support.docs.session import Session
from tests.support.node.release import NAME, NAMESPACE, Release

#: Pages that install and remove all of it.
FROM_NOTHING = ("docs/gitops.md", "charts/nginx-operator/README.md")
FOUND = {str(page.relative_to(ROOT)): blocks(page.read_text(encoding="utf-8")) for page in PAGES}
RUN = [page for page, found in FOUND.items() if page not in FROM_NOTHING and not all(block.reason for block in found)]


@pytest.fixture(scope="module")
def there(release: Release) -> Iterator[Release]:
    """A cluster for all pages; emptied at the end."""
    release.remove_namespace()
    yield release
    release.bed.helm("uninstall", NAME, "-n", NAMESPACE, "--ignore-not-found", "--wait")
    release.remove_definition()


@pytest.fixture
def cluster(there: Release) -> Iterator[Release]:
    """What a page leaves behind goes: objects and values."""
    yield there
    there.bed.kubectl("delete", "nginx", "--all", "--all-namespaces", check=False)
    ours = ("-l", "app.kubernetes.io/managed-by=nginx-operator", "-A")
    there.bed.kubectl("wait", "--for=delete", "replicasets", *ours, "--timeout=3m", check=False)
    # A page may compare pods before and after; these would drain for seconds.
    there.bed.kubectl("delete", "pods", *ours, "--grace-period=0", "--force")
    values = there.bed.helm("get", "values", NAME, "-n", NAMESPACE, "-o", "json", check=False).stdout
    if values and json.loads(values):
        there.bed.helm("upgrade", NAME, str(CHART), "-n", NAMESPACE, "--reset-values", "--wait", "--timeout=5m")


@pytest.fixture
def installed(cluster: Release) -> Release:
    """The chart is installed as it comes."""
    options = ("-n", NAMESPACE, "--create-namespace", "--wait", "--timeout=5m")
    if cluster.bed.helm("status", NAME, "-n", NAMESPACE, check=False).returncode != 0:
        cluster.bed.helm("install", NAME, str(CHART), *options)
    return cluster


def run(release: Release, page: str, found: Sequence[Block]) -> None:
    with Session(release.bed, page) as session:
        for block in found:
            for command in () if block.reason else block.commands:
                session.run(command)


@pytest.mark.parametrize("page", FROM_NOTHING)
def test_the_commands_of_a_page_that_begins_with_nothing(page: str, cluster: Release) -> None:
    run(cluster, page, FOUND[page])


@pytest.mark.parametrize("page", RUN)
def test_the_commands_of(page: str, installed: Release) -> None:
    run(installed, page, FOUND[page])


def test_what_is_not_run_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        f"{page}, line {block.line}, {len(block.commands)} commands not run: {block.reason}"
        for page, found in FOUND.items()
        for block in found
        if block.reason
    ]
    with capsys.disabled():
        sys.stderr.write("\n  " + "\n  ".join(lines) + "\n")
    assert lines
