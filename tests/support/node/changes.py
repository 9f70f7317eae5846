"""Stories of a release: upgrades and rollbacks by Helm, in an order that users may meet."""

from collections.abc import Sequence
from dataclasses import dataclass

from testbed.images import CHART
from tests.support.node.disturbances import OPTIONS, Disturbance
from tests.support.node.release import NAME, NAMESPACE, PATIENT, Helm, Release
from tests.support.node.versions import Versions

#: Options that replace every object instead of patching it.
_FORCE: dict[Helm, Sequence[str]] = {3: ("--force",), 4: ("--force-replace", "--server-side=false")}
#: Options that roll back when an upgrade does not become ready in time.
_GO_BACK: dict[Helm, str] = {3: "--atomic", 4: "--rollback-on-failure"}


@dataclass(frozen=True)
class Story:
    """One release, and what happens to it, each under load.

    Attributes:
        title: for people.
        installed_by: the Helm that installs the previous release.
        helm: the Helm that does the rest.
        short: only what tells most, for a run of minutes.
    """

    title: str
    installed_by: Helm
    helm: Helm
    short: bool = False

    def changes(self, versions: Versions) -> list[Disturbance]:
        """What happens, in this order. The first revision is the previous release."""
        helm = self.helm
        upgrade = Disturbance("previous release -> this one: `helm upgrade`", lambda r: r.upgrade(helm, *OPTIONS))
        broken = Disturbance(f"an upgrade to an image that is not there, `{_GO_BACK[helm]}`", lambda r: _break(r, helm))
        back = Disturbance("this release -> previous one: `helm rollback`", lambda r: r.roll_back(helm, 1))
        if self.short:
            return [upgrade, broken, back]
        early, late = versions.previous_with_this_crd, versions.this_with_previous_crd
        return [
            Disturbance("this CRD under the previous operator", lambda r: r.upgrade(helm, *OPTIONS, chart=early)),
            upgrade,
            broken,
            Disturbance("the previous CRD under this operator", lambda r: r.upgrade(helm, *OPTIONS, chart=late)),
            back,
            Disturbance(
                f"previous release -> this one: `helm upgrade {' '.join(_FORCE[helm])}`",
                lambda r: r.upgrade(helm, *OPTIONS, *_FORCE[helm]),
                loses=True,
            ),
        ]


def _break(release: Release, helm: Helm) -> None:
    """Upgrades to an image that does not exist: Helm times out and rolls back."""
    options = (*PATIENT, *OPTIONS, "--set", "image.tag=none", "--wait", "--timeout=20s", _GO_BACK[helm])
    done = release.bed.helm("upgrade", NAME, str(CHART), "-n", NAMESPACE, *options, version=helm, check=False)
    assert done.returncode != 0, done.stdout
    assert "none" not in {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in release.ready("webhooks")}


#: Everything, on both Helms, and what Helm 3 installed in the hands of Helm 4.
ALL = (
    Story("Helm 4", 4, 4),
    Story("Helm 3", 3, 3),
    Story("installed by Helm 3, then Helm 4", 3, 4),
)
SHORT = (Story("Helm 4", 4, 4, short=True),)
