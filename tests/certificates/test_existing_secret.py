"""Mode `existingSecret` on a real control plane: an administrator brings the certificate and renews it."""

import json
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence

import pytest

from nginx_operator.kube.resources import SECRETS
from testbed.waiting import PATIENCE, until
from tests.support.product import NAMESPACE, RELEASE, Product, Program
from tests.support.report import Report
from tests.support.rights import granted, used
from tests.support.traffic import SERVER_NAME, Traffic, bundles, leaf
from tests.support.webhooks.certificates import KeyPair, make
from tests.support.webhooks.pair import PORTS, pair

NAME = "company-tls"
CA, OTHER_CA = make("ca", ca=True), make("other ca", ca=True)


def certificate(ca: KeyPair = CA) -> KeyPair:
    return make("webhooks", ca, names=[SERVER_NAME])


def fill(product: Product, content: Mapping[str, bytes]) -> None:
    """As `kubectl apply` of a Secret does."""
    data = {key: b64encode(value).decode() for key, value in content.items()}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}, "type": "Opaque", "data": data}
    path = SECRETS.path(NAMESPACE, NAME)
    method, where = ("PUT", path) if product.bed.get(path) else ("POST", SECRETS.path(NAMESPACE))
    status, answer = product.bed.request(method, where, body)
    assert status in (200, 201), answer


def bring(product: Product, made: KeyPair, ca: KeyPair = CA) -> None:
    fill(product, {"tls.crt": made.pem, "tls.key": made.key_pem, "ca.crt": ca.pem})


def wait_served(product: Product, made: KeyPair) -> None:
    """Waits until both processes present it to clients that trust either configuration."""

    def served() -> bool:
        found = [leaf(product.bed, port, bundle) for bundle in bundles(product.bed) for port in PORTS]
        return found == [made.der] * len(found)

    until(served, seconds=PATIENCE, what="the new certificate is served")


def wait_metric(program: Program, line: str) -> None:
    """Waits for a line of /metrics, which may be a second old."""
    until(lambda: line in program.metrics(), seconds=PATIENCE, what=line)


@pytest.fixture(scope="module")
def programs(product: Product) -> Iterator[Sequence[Program]]:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    product.bed.kubectl("apply", "-f", "-", input=json.dumps(namespace))
    bring(product, certificate())
    product.install("--set", "webhooks.certs.mode=existingSecret", "--set", f"webhooks.certs.existingSecret={NAME}")
    with pair(product) as programs:
        yield programs


@pytest.mark.parametrize("ca", [CA, OTHER_CA], ids=["same authority", "another authority"])
def test_a_changed_secret_is_served_without_a_failed_admission(
    ca: KeyPair, product: Product, programs: Sequence[Program], traffic: Traffic, report: Report
) -> None:
    new = certificate(ca)
    with traffic.flowing():
        began = time.monotonic()
        bring(product, new, ca)
        wait_served(product, new)
        seconds = time.monotonic() - began
    report(f"served {seconds:.1f} s after the Secret changed; {traffic.admissions} admissions, none failed")


def test_a_broken_secret_is_refused_and_the_old_one_serves_on(
    product: Product, programs: Sequence[Program], traffic: Traffic
) -> None:
    good, other = certificate(), certificate()
    bring(product, good)
    wait_served(product, good)
    with traffic.flowing():
        fill(product, {"tls.crt": good.pem, "tls.key": other.key_pem, "ca.crt": CA.pem})
        for program in programs:
            line = program.wait_log("is refused")
            assert f"Secret {NAMESPACE}/{NAME} is refused: " in line
            assert "certificate and key do not belong together; the previous certificate is still served" in line
            wait_metric(program, "nginx_webhooks_certificate_refused 1.0")
            assert program.get("/readyz") == 200
        wait_served(product, good)
    bring(product, other)
    wait_served(product, other)
    for program in programs:
        wait_metric(program, "nginx_webhooks_certificate_refused 0.0")


def test_the_webhooks_use_each_of_their_rights_and_no_other(product: Product, programs: Sequence[Program]) -> None:
    account = f"{RELEASE}-webhooks"
    may = granted(product.bed, NAMESPACE, account)
    assert (NAMESPACE, "/secrets", "patch") not in may
    assert used(product.bed, NAMESPACE, account).allowed >= may
