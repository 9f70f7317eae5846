"""A real API server takes every object of every file of values, as both versions of Helm render it: a dry run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import Bed, gobuild
from testbed.waiting import PATIENCE
from tests.support.beds import shown
from tests.support.product import Product
from tests.support.rendering import CERT_MANAGER, CHART, KUBE_VERSION, MONITORING, VALUES

FILES = sorted(VALUES.glob("*.yaml"))
#: Not the release that is installed, whose objects would be changed instead of made.
RELEASE = NAMESPACE = "rendered"
#: What everything.yaml says of watchNamespaces.
NAMESPACES = (NAMESPACE, "shop", "blog")
#: All but what `helm test` makes, whose pod needs an account that a dry run does not leave.
OPTIONS = (KUBE_VERSION, CERT_MANAGER, MONITORING, "--skip-tests")
KINDS = ("certificates", "issuers", "servicemonitors", "prometheusrules")


@pytest.fixture(scope="module")
def prepared(product: Product, request: pytest.FixtureRequest) -> Iterator[Bed]:
    """A cluster with the kinds of cert-manager and of the Prometheus operator, and empty namespaces."""
    bed = product.bed
    with shown(request) as progress:
        folders = [
            gobuild.programs(module, progress) / "data"
            for module in (gobuild.CERT_MANAGER, gobuild.PROMETHEUS_OPERATOR)
        ]
    crds = [
        argument
        for folder in folders
        for kind in KINDS
        for file in folder.glob(f"*_{kind}.yaml")
        for argument in ("-f", str(file))
    ]
    bed.kubectl("apply", "--server-side", *crds)
    bed.kubectl("wait", "--for=condition=Established", *crds, f"--timeout={PATIENCE:.0f}s")
    for name in NAMESPACES:
        bed.kubectl("create", "namespace", name)
        bed.kubectl("label", "namespace", name, "pod-security.kubernetes.io/warn=restricted")
    yield bed
    bed.kubectl("delete", "namespace", *NAMESPACES, "--wait=false")
    bed.kubectl("delete", *crds)


@pytest.mark.parametrize("values", FILES, ids=lambda path: path.stem)
def test_the_api_server_takes_what_is_rendered(prepared: Bed, values: Path) -> None:
    command = ["template", RELEASE, str(CHART), "-n", NAMESPACE, "-f", str(values), *OPTIONS]
    rendered = prepared.helm(*command).stdout
    # Helm 3 writes the same documents in another order, so one dry run is about both.
    assert documents(prepared.helm(*command, version=3).stdout) == documents(rendered)

    # The only object that is there already is the CustomResourceDefinition, which is another release's.
    done = prepared.kubectl(
        *("apply", "--dry-run=server", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-"),
        input=rendered,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == rendered.count("\napiVersion: ")
    # Warnings are of deprecated versions, unknown fields, and pods that are not as PodSecurity `restricted` wants them.
    expected = 1 if values.stem == "host-network" else 0
    assert done.stderr.count("Warning: ") == expected, done.stderr
    assert done.stderr.count("hostNetwork=true") == expected


def documents(rendered: str) -> list[str]:
    return sorted(document.strip() for document in rendered.removeprefix("---\n").split("\n---\n"))
