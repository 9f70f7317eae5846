"""Mode `auto` on a real control plane: rotation without a failed admission, and healing."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from nginx_operator.api import names
from nginx_operator.kube.resources import SECRETS, Resource
from testbed.waiting import PATIENCE, until
from tests.support.product import NAMESPACE, RELEASE, Product, Program
from tests.support.report import Report
from tests.support.traffic import CONFIGURATIONS, Traffic, bundles, leaf
from tests.support.webhooks.certificates import make
from tests.support.webhooks.pair import PORTS, pair

SECRET = SECRETS.path(NAMESPACE, f"{RELEASE}-ca")


@pytest.fixture(scope="module")
def programs(product: Product) -> Iterator[Sequence[Program]]:
    product.install()
    with pair(product) as programs:
        yield programs


def healed(product: Product) -> bool:
    """Whether both configurations verify both processes again."""
    try:
        return all(leaf(product.bed, port, bundle) for bundle in bundles(product.bed) for port in PORTS)
    except (OSError, ValueError):
        return False


def test_no_admission_fails_while_the_authority_is_rotated(
    product: Product, programs: Sequence[Program], traffic: Traffic, report: Report
) -> None:
    before = [leaf(product.bed, port, bundles(product.bed)[0]) for port in PORTS]
    began = time.monotonic()
    with traffic.flowing():
        done = product.rotate()
        assert done.returncode == 0, done.stderr
        seconds = time.monotonic() - began

        def both_changed() -> bool:
            now = [leaf(product.bed, port, bundles(product.bed)[0]) for port in PORTS]
            return all(old != new for old, new in zip(before, now, strict=True))

        until(both_changed, seconds=PATIENCE, what="both processes sign by the new authority")
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["published", "signing", "still trusted"]
    report(
        f"rotation in {seconds:.1f} s: {traffic.admissions} admissions, {traffic.handshakes} handshakes, none failed",
    )


def test_no_admission_fails_while_the_data_of_the_secret_is_taken_away(
    product: Product, programs: Sequence[Program], traffic: Traffic
) -> None:
    first = product.bed.get(SECRET)
    assert first is not None
    with traffic.flowing():
        product.bed.kubectl("patch", "secret", f"{RELEASE}-ca", "-n", NAMESPACE, "--type=merge", "-p", '{"data":null}')

        def rotated() -> bool:
            data = (product.bed.get(SECRET) or {}).get("data", {})
            return "next.crt" not in data and data.get("tls.crt", first["data"]["tls.crt"]) != first["data"]["tls.crt"]

        until(rotated, seconds=PATIENCE, what="the next authority signs")


def wipe(product: Product) -> None:
    """As an editor, or a client-side apply without the field, does."""
    for resource in CONFIGURATIONS:
        patch = '[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]'
        product.bed.kubectl("patch", resource.plural, RELEASE, "--type=json", "-p", patch)


def replace(product: Product) -> None:
    """By an authority that is none of ours."""
    foreign = base64.b64encode(make("foreign", ca=True).pem).decode()
    patch = json.dumps([{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": foreign}])
    for resource in CONFIGURATIONS:
        product.bed.kubectl("patch", resource.plural, RELEASE, "--type=json", "-p", patch)


def force(product: Product) -> None:
    """helm upgrade that replaces the objects, the Secret with them."""
    product.install("--force-replace", "--server-side=false")


def roll_back(product: Product) -> None:
    """To what was stored before the last rotation, as a restore from a backup does."""
    old = [product.bed.get(resource.path(None, RELEASE)) or {} for resource in CONFIGURATIONS]
    done = product.rotate()
    assert done.returncode == 0, done.stderr
    for resource, found in zip(CONFIGURATIONS, old, strict=True):
        now = product.bed.get(resource.path(None, RELEASE)) or {}
        body = {**now, "webhooks": found["webhooks"]}
        status, answer = product.bed.request("PUT", resource.path(None, RELEASE), body)
        assert status == 200, answer


@pytest.mark.parametrize("harm", [wipe, replace, force, roll_back], ids=lambda harm: harm.__name__)
def test_a_harmed_bundle_is_healed(
    harm: Callable[[Product], None],
    product: Product,
    programs: Sequence[Program],
    report: Report,
) -> None:
    harm(product)
    began = time.monotonic()
    until(lambda: healed(product), seconds=PATIENCE, what="healing")
    report(f"{harm.__name__}: healed {time.monotonic() - began:.2f} s after the last write")
    entries = (product.bed.get(CONFIGURATIONS[0].path(None, RELEASE)) or {})["webhooks"]
    classes = [f"class-{number}.{names.MUTATING_WEBHOOK}" for number in (1, 2, 3, 4)]
    assert [entry["name"] for entry in entries] == [*classes, names.MUTATING_WEBHOOK]


@pytest.mark.parametrize("resource", CONFIGURATIONS, ids=lambda resource: resource.kind)
def test_a_configuration_that_is_deleted_is_told(
    resource: Resource, product: Product, programs: Sequence[Program]
) -> None:
    path, fault = resource.path(None, RELEASE), f'nginx_webhooks_object_faults{{kind="{resource.kind}"}}'
    kept = product.bed.get(path) or {}
    assert product.bed.request("DELETE", path)[0] == 200
    for program in programs:
        until(lambda program=program: f"{fault} 1.0" in program.metrics(), seconds=PATIENCE, what=f"{fault} 1")
        assert program.get("/readyz") == 200
        assert f"there is no {resource.kind} {RELEASE}" in program.text()
    meta = {key: kept["metadata"][key] for key in ("name", "labels", "annotations") if key in kept["metadata"]}
    again = json.dumps({**kept, "metadata": meta})
    product.bed.kubectl(
        "apply", "--server-side", "--field-manager=helm", "-f", "-", input=again
    )  # as helm upgrade does
    for program in programs:
        until(lambda program=program: f"{fault} 0.0" in program.metrics(), seconds=PATIENCE, what=f"{fault} 0")
    until(lambda: healed(product), seconds=PATIENCE, what="healing")
