"""The chart rendered and applied, as Argo CD, Flux and people with kubectl do: again and again, without Helm."""

import pytest
import yaml

from testbed import images
from testbed.bed import Bed
from tests.support import inventory
from tests.support.lifecycle import OURS, Running
from tests.support.namespaces import fresh
from tests.support.product import CHART, NAMESPACE, NO_PODS, PATIENT, RELEASE, Product
from tests.support.rendering import INSTALLED, KUBE_VERSION
from tests.support.traffic import bundles

#: How each tool applies what was rendered. Argo CD's default is kubectl's older, client-side way.
TOOLS = {
    "kubectl": ("--server-side",),
    "Flux": ("--server-side", "--field-manager=kustomize-controller", "--force-conflicts"),
    "Argo CD, server-side": ("--server-side", "--field-manager=argocd-controller", "--force-conflicts"),
    "Argo CD": ("--field-manager=argocd-controller",),
}


def apply(bed: Bed, *options: str, helm: str = "helm") -> None:
    rendered = bed.helm(
        *("template", RELEASE, str(CHART), "-n", NAMESPACE, KUBE_VERSION, INSTALLED, *NO_PODS, *PATIENT),
        version=3 if helm == "helm3" else 4,
    ).stdout
    bed.kubectl("apply", *options, "-f", "-", input=rendered)


@pytest.mark.parametrize("tool", TOOLS)
def test_applied_again_it_conflicts_with_nobody_and_does_not_drift(
    tool: str, product: Product, running: Running
) -> None:
    bed, options = product.bed, TOOLS[tool]
    apply(bed, *options)
    for name in (RELEASE, f"{RELEASE}-webhooks"):  # what the Deployment controller adds is there
        observed = "--for=jsonpath={.status.observedGeneration}=1"
        bed.kubectl("wait", observed, f"deployment/{name}", "-n", NAMESPACE, "--timeout=150s")
    before = inventory.states(bed, OURS)
    apply(bed, *options, helm="helm3")
    assert inventory.states(bed, OURS) == before

    with running():
        filled, published = inventory.states(bed, OURS), bundles(bed)
        assert all(published)
        apply(bed, *options)
        assert inventory.states(bed, OURS) == filled
        assert bundles(bed) == published
        with fresh(bed) as namespace:
            assert "is more than this cluster allows" in namespace.apply({"count": 101}, check=False).stderr
            namespace.apply({"paused": True})


def test_kustomize_changes_an_nginx_and_what_names_it(control_plane: Bed) -> None:
    folder = images.PROJECT / "examples" / "kustomize" / "production"
    nginx, autoscaler = sorted(
        yaml.safe_load_all(control_plane.kubectl("kustomize", str(folder)).stdout),
        key=lambda found: found["kind"],
        reverse=True,
    )
    assert nginx["metadata"]["name"] == "shop-web"
    assert nginx["spec"] == {"count": 4, "image": "docker.io/nginxinc/nginx-unprivileged:1.30.1-alpine"}
    assert autoscaler["spec"]["scaleTargetRef"]["name"] == "shop-web"
