"""No admission fails, and none is decided wrongly, whatever happens to the webhooks while users write.

CAMPAIGN=N does all of it N times, and writes the table of docs/admission.md to build/admission.md.
"""

from collections.abc import Iterator

import pytest

from testbed.images import PROJECT
from testbed.waiting import PATIENCE, until
from tests.support.campaign import CAMPAIGN, TURNS
from tests.support.load.judge import Verdict
from tests.support.namespaces import fresh
from tests.support.node.authorities import CONFIGURATIONS, bundles, wipe_bundle
from tests.support.node.disturbances import DISTURBANCES, OPTIONS, SHORT, Disturbance
from tests.support.node.figures import Figures
from tests.support.node.loaded import lost, under_load
from tests.support.node.release import NAME, NAMESPACE, Release


@pytest.fixture(scope="module")
def installed(release: Release) -> Iterator[Release]:
    """The release with two replicas of each component."""
    release.install(4, *OPTIONS)
    yield release
    release.uninstall()
    release.remove_definition()


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    """What is measured, written down at the end of a campaign."""
    figures = Figures()
    yield figures
    if CAMPAIGN:
        figures.write(PROJECT / "build" / "admission.md")


# All kinds by turns: the kubelet restarts a container ever later that ends again and again.
@pytest.mark.parametrize("disturbance", DISTURBANCES if CAMPAIGN else SHORT, ids=lambda found: found.name)
@pytest.mark.parametrize("turn", range(TURNS))
async def test_admission_goes_on(turn: int, disturbance: Disturbance, installed: Release, figures: Figures) -> None:
    run = await under_load(installed, disturbance)
    figures.add(disturbance.name, run)
    tally = run.tally
    assert tally.number(Verdict.WRONG) == 0, str(tally)
    if not disturbance.stops_api_server:
        assert tally.number(Verdict.UNANSWERED) == 0, str(tally)
    if not disturbance.loses:
        assert lost(tally) == 0, str(tally)
    late = [o for o in tally.outcomes if o.verdict is not Verdict.RIGHT and o.began > run.ended]
    assert late == [], str(tally)
    for outcome in tally.having(Verdict.FAILED):
        assert "failed calling webhook" in outcome.text, str(tally)


def test_a_deployment_is_available_only_when_admission_works_and_stays_so(installed: Release) -> None:
    bed, account = installed.bed, f"{NAME}-webhooks"

    def logged(component: str, words: str) -> bool:
        names = [pod["metadata"]["name"] for pod in installed.pods(component)]
        # One whose container does not run yet has no log.
        logs = [bed.kubectl("-n", NAMESPACE, "logs", name, check=False).stdout for name in names]
        return len(logs) == 2 and all(words in log for log in logs)

    def available(*components: str) -> None:
        for name in components:
            installed.kubectl("wait", "--for=condition=Available", f"deployment/{name}", "--timeout=150s")

    installed.kubectl("scale", f"deployment/{account}", "--replicas=0")
    until(lambda: not installed.pods("webhooks"), seconds=PATIENCE, what="no webhook pods")
    bed.kubectl("delete", "clusterrolebinding", account)  # so that new pods cannot publish, and none can heal
    for kind in CONFIGURATIONS:
        wipe_bundle(installed, kind)
    available(NAME)  # the operator was ready, and stays so
    installed.kubectl("scale", f"deployment/{account}", "--replicas=2")
    installed.kubectl("delete", "pods", "-l", "app.kubernetes.io/component=operator", "--wait=false")
    until(lambda: logged("webhooks", "cannot list resource"), seconds=PATIENCE, what="webhooks that say what they lack")
    until(lambda: logged("operator", "admission does not work yet"), seconds=PATIENCE, what="an operator that says so")
    for component in ("webhooks", "operator"):
        assert installed.ready(component) == []

    installed.upgrade(4, *OPTIONS)  # with the binding; it waits until both are Available
    with fresh(bed) as namespace:
        namespace.apply({"paused": True})
        assert "spec.count: 101 is more than" in namespace.apply({"count": 101}, check=False).stderr

    bed.kubectl("delete", "clusterrolebinding", account)
    for kind in CONFIGURATIONS:
        wipe_bundle(installed, kind)
    until(lambda: logged("webhooks", "cannot patch resource"), seconds=PATIENCE, what="webhooks that cannot heal")
    available(NAME, account)  # once ready, a fault of the cluster empties no Service
    installed.upgrade(4, *OPTIONS)
    until(lambda: all(bundles(installed)), seconds=PATIENCE, what="both caBundles")
