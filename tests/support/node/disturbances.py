"""Disturbances of admission. Each acts on a release of two replicas, and returns when it is over."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from nginx_operator.kube.resources import LEASES
from testbed.controlplane import APISERVER
from testbed.waiting import PATIENCE, until
from tests.support.node import authorities
from tests.support.node.authorities import CONFIGURATIONS
from tests.support.node.release import NAME, NAMESPACE, Release

Act = Callable[[Release], None]
OPTIONS = ("--set", "operator.replicas=2", "--set", "webhooks.timeoutSeconds=10")


@dataclass(frozen=True)
class Disturbance:
    """One kind of disturbance.

    Attributes:
        name: as the table of docs/admission.md has it.
        act: does it, and waits until it is over.
        prepare: what has to be so before, without load.
        loses: whether admissions may fail, until it is over.
        stops_api_server: whether the API server may leave requests without an answer, until it is over.
    """

    name: str
    act: Act
    prepare: Act = lambda _: None
    loses: bool = False
    stops_api_server: bool = False


def restart(release: Release) -> None:
    """kubectl rollout restart, until the last old pod is gone."""
    with _replaced(release, "webhooks"):
        release.kubectl("rollout", "restart", f"deployment/{NAME}-webhooks")
        release.kubectl("rollout", "status", f"deployment/{NAME}-webhooks", "--timeout=150s")


def upgrade(release: Release) -> None:
    """helm upgrade that replaces all pods of both components, until the last old one is gone."""
    level = "info" if "--log-level=debug" in str(release.pods("webhooks")) else "debug"
    with _replaced(release, "operator"), _replaced(release, "webhooks"):
        release.upgrade(4, *OPTIONS, "--set", f"log.level={level}")


def lose_leader(release: Release) -> None:
    """Deletes the operator's pod that leads, until another one leads and two are ready."""
    leader = _leader(release)
    release.kubectl("delete", "pod", leader, "--wait=false")
    until(lambda: _leader(release) not in (leader, ""), seconds=PATIENCE, what="another leader")
    _wait_ready(release, "operator")


def rotate(release: Release) -> None:
    """The rotation that is due: the next authority published, then promoted, all certificates signed anew."""
    assert authorities.kept(release).next is None
    old = _signing(release)
    until(lambda: _signing(release) != old, seconds=PATIENCE, what="the promotion of the next authority")
    authorities.wait_in_use(release, authorities.kept(release).issuing)


def renew(release: Release) -> None:
    """The renewal of each replica's certificate, twice."""
    for _ in range(2):
        before = _serials(release)
        until(lambda old=before: not old & _serials(release), seconds=PATIENCE, what="new certificates")  # type: ignore[misc]


def empty_secret(release: Release) -> None:
    """Takes all data out of the Secret of the authority, until it is back."""
    before = _signing(release)
    release.kubectl("patch", "secret", authorities.SECRET, "--type=json", "-p", '[{"op":"remove","path":"/data"}]')
    until(lambda: _data(release) != {}, seconds=PATIENCE, what="data in the Secret")
    assert _signing(release) == before


def wipe_bundles(release: Release) -> None:
    """Takes the caBundle out of both configurations, until both have theirs back."""
    for kind in CONFIGURATIONS:
        authorities.wipe_bundle(release, kind)
    until(lambda: all(authorities.bundles(release)), seconds=PATIENCE, what="both caBundles")


def kill(release: Release) -> None:
    """SIGKILL for all processes of one replica's container, until it is ready again."""
    pod = release.pods("webhooks")[0]
    restarts = _restarts(release)
    _signal(release, pod, signal.SIGKILL)
    until(lambda: _restarts(release) > restarts, seconds=PATIENCE, what="the restart of the replica")
    _wait_ready(release, "webhooks")


def hang(release: Release) -> None:
    """SIGSTOP for all processes of one replica's container, until the kubelet has restarted it, and it is ready."""
    pod = release.pods("webhooks")[0]
    restarts = _restarts(release)
    _signal(release, pod, signal.SIGSTOP)
    until(lambda: _restarts(release) > restarts, seconds=2 * PATIENCE, what="the restart of the replica")
    _wait_ready(release, "webhooks")


def delete_at_once(release: Release) -> None:
    """kubectl delete pod --grace-period=0 --force for one replica, until there is another one."""
    name = release.pods("webhooks")[0]["metadata"]["name"]
    release.kubectl("delete", "pod", name, "--grace-period=0", "--force")
    _wait_ready(release, "webhooks")


def restart_api_server(release: Release) -> None:
    """Stops the API server in order, and starts it again."""
    release.bed.restart(APISERVER)


def kill_api_server(release: Release) -> None:
    """Kills the API server, and starts it again."""
    release.bed.restart(APISERVER, grace=0)


DISTURBANCES = (
    Disturbance("nothing", lambda _: None),
    Disturbance("`kubectl rollout restart` of the webhooks", restart),
    Disturbance("`helm upgrade` that replaces all pods", upgrade),
    Disturbance("the operator's leader is deleted", lose_leader),
    Disturbance("the certificate authority rotates", rotate, authorities.use_one_that_is_due),
    Disturbance("both replicas renew their certificates", renew, authorities.use_one_of_short_leaves),
    Disturbance("the Secret of the authority is emptied", empty_secret, authorities.use_a_new_one),
    Disturbance("the API server restarts", restart_api_server, stops_api_server=True),
    Disturbance("the API server is killed", kill_api_server, stops_api_server=True),
    Disturbance("a replica's process is killed (SIGKILL)", kill, loses=True),
    Disturbance("a replica hangs (SIGSTOP)", hang, loses=True),
    Disturbance("a replica's pod is deleted at once (`--grace-period=0 --force`)", delete_at_once, loses=True),
    Disturbance("`caBundle` is wiped from both configurations", wipe_bundles, loses=True),
)
#: The most telling ones, for a run of a minute. Rotations run in tests/certificates, beside admissions, too.
SHORT = tuple(found for found in DISTURBANCES if found.act in (restart, kill, wipe_bundles))


@contextmanager
def _replaced(release: Release, component: str) -> Iterator[None]:
    """Waits at the end until all pods from before are gone."""

    def uids() -> set[str]:
        listing = release.kubectl("get", "pods", "-l", f"app.kubernetes.io/component={component}", "-o", "json").stdout
        return {pod["metadata"]["uid"] for pod in json.loads(listing)["items"]}  # those on their way out too

    before = uids()
    yield
    until(lambda: not before & uids(), seconds=PATIENCE, what=f"the end of the old pods of {component}")


def _signing(release: Release) -> x509.Certificate:
    """The certificate of the authority that signs."""
    return authorities.kept(release).issuing.certificate


def _serials(release: Release) -> set[int]:
    return {leaf.serial_number for leaf in authorities.served(release).values()}


def _data(release: Release) -> dict[str, str]:
    found: dict[str, Any] = json.loads(release.kubectl("get", "secret", authorities.SECRET, "-o", "json").stdout)
    return found.get("data") or {}


def _leader(release: Release) -> str:
    """The pod that holds the Lease; empty while none does."""
    found = release.bed.get(LEASES.path(NAMESPACE, NAME)) or {}
    return found.get("spec", {}).get("holderIdentity") or ""


def _restarts(release: Release) -> int:
    statuses = [pod["status"].get("containerStatuses", ()) for pod in release.pods("webhooks")]
    return sum(status["restartCount"] for found in statuses for status in found)


def _signal(release: Release, pod: dict[str, Any], number: signal.Signals) -> None:
    """Sends a signal to all processes of the pod's one container."""
    (status,) = pod["status"]["containerStatuses"]
    found = release.bed.processes_of(status["containerID"].removeprefix("containerd://"))
    assert found, status
    for process in found:
        os.kill(process, number)


def _wait_ready(release: Release, component: str) -> None:
    until(lambda: len(release.ready(component)) == 2, seconds=PATIENCE, what=f"two ready pods of {component}")
