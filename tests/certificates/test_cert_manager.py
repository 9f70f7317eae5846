"""Mode `certManager` with cert-manager's own controllers and injector, on a real control plane."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from nginx_operator.kube.resources import SECRETS
from testbed import Bed, gobuild
from testbed.waiting import PATIENCE, until
from tests.support.beds import shown
from tests.support.product import NAMESPACE, RELEASE, Product, Program
from tests.support.report import Report
from tests.support.rights import granted, used
from tests.support.traffic import CONFIGURATIONS, Traffic, bundles, leaf
from tests.support.webhooks.pair import PORTS, pair

LEAF, CA = f"{RELEASE}-webhooks-tls", f"{RELEASE}-webhooks-ca"
CERTIFICATES = "/apis/cert-manager.io/v1/namespaces/{}/certificates/{}"


@pytest.fixture(scope="module")
def cert_manager(
    control_plane: Bed, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Installed and running; the path of its log."""
    with shown(request) as progress:
        folder = gobuild.programs(gobuild.CERT_MANAGER, progress)
    control_plane.kubectl("apply", "--server-side", "-f", str(folder / "data"))
    control_plane.kubectl("wait", "--for=condition=Established", "crd", "--all", f"--timeout={PATIENCE:.0f}s")
    log = tmp_path_factory.mktemp("cert-manager") / "log"
    environment = {**os.environ, "KUBECONFIG": str(control_plane.inside_kubeconfig)}
    with log.open("wb") as out:
        command = control_plane.command([str(folder / "certmanager")])
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
    yield log
    process.terminate()
    process.wait(30)
    control_plane.kubectl("delete", "-f", str(folder / "data"))


@pytest.fixture(scope="module")
def programs(product: Product, cert_manager: Path) -> Iterator[Sequence[Program]]:
    product.install("--set", "webhooks.certs.mode=certManager")
    try:
        with pair(product) as programs:
            yield programs
    finally:
        sys.stdout.write(cert_manager.read_text(errors="replace")[-5000:])  # shown if something fails


def data(product: Product, name: str) -> dict[str, str]:
    found = product.bed.get(SECRETS.path(NAMESPACE, name)) or {}
    content: dict[str, str] = found.get("data", {})
    return content


def renew(product: Product, name: str) -> None:
    """What `cmctl renew` does, and waits until it is done."""
    path = CERTIFICATES.format(NAMESPACE, name)
    before = data(product, name)["tls.crt"]
    found: dict[str, Any] = product.bed.get(path) or {}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    issuing = {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "lastTransitionTime": now}
    found["status"]["conditions"].append(issuing)
    status, answer = product.bed.request("PUT", f"{path}/status", found)
    assert status == 200, answer
    until(lambda: data(product, name)["tls.crt"] != before, seconds=PATIENCE, what=f"{name} is renewed")


def wait_changed(product: Product, before: Sequence[bytes]) -> None:
    """Waits until both processes present another certificate."""

    def changed() -> bool:
        bundle = bundles(product.bed)[0]
        return all(leaf(product.bed, port, bundle) != old for port, old in zip(PORTS, before, strict=True))

    until(changed, seconds=PATIENCE, what="both processes serve the renewed certificate")


def test_renewals_of_leaf_and_authority_fail_no_admission(
    product: Product, programs: Sequence[Program], traffic: Traffic, report: Report
) -> None:
    with traffic.flowing():
        for name in (LEAF, CA, LEAF):
            before = [leaf(product.bed, port, bundles(product.bed)[0]) for port in PORTS]
            renew(product, name)
            began = time.monotonic()
            if name == LEAF:
                wait_changed(product, before)
                report(f"a renewed leaf is served {time.monotonic() - began:.1f} s after cert-manager stored it")
    report(f"{traffic.admissions} admissions, {traffic.handshakes} handshakes, none failed")


def test_the_served_certificate_is_no_authority_and_the_bundle_no_leaf(
    product: Product, programs: Sequence[Program]
) -> None:
    """The injector keeps the authority before it as long as that is valid, so a bundle may hold two."""
    content = {key: base64.b64decode(value) for key, value in data(product, LEAF).items()}
    served, authority = (x509.load_pem_x509_certificate(content[key]) for key in ("tls.crt", "ca.crt"))

    def published() -> bool:
        return all(authority in x509.load_pem_x509_certificates(bundle) for bundle in bundles(product.bed))

    until(published, seconds=PATIENCE, what="the authority in each caBundle")
    assert not served.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    for bundle in bundles(product.bed):
        for found in x509.load_pem_x509_certificates(bundle):
            assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_wiped_bundle_is_healed_by_cert_manager(
    product: Product, programs: Sequence[Program], report: Report
) -> None:
    for resource in CONFIGURATIONS:
        patch = json.dumps([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}])
        product.bed.kubectl("patch", resource.plural, RELEASE, "--type=json", "-p", patch)
    began = time.monotonic()
    until(lambda: all(bundles(product.bed)), seconds=PATIENCE, what="healing")
    report(f"healed {time.monotonic() - began:.2f} s after it was wiped")


def test_a_deleted_secret_is_made_again_and_fails_no_admission(
    product: Product, programs: Sequence[Program], traffic: Traffic
) -> None:
    before = [leaf(product.bed, port, bundles(product.bed)[0]) for port in PORTS]
    with traffic.flowing():
        product.bed.kubectl("delete", "secret", LEAF, "-n", NAMESPACE)
        wait_changed(product, before)


def test_the_webhooks_only_look(product: Product, programs: Sequence[Program]) -> None:
    account = f"{RELEASE}-webhooks"
    may, done = granted(product.bed, NAMESPACE, account), used(product.bed, NAMESPACE, account)
    assert {verb for _, _, verb in may} == {"list", "watch"}
    assert may <= done.allowed
    for program in programs:
        assert "wrote caBundle" not in program.text()
