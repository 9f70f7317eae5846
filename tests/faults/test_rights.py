"""Least privilege, from the audit log: what the operator uses is what it has, in the whole cluster or in namespaces."""

import signal
from pathlib import Path

from nginx_operator.api import names
from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.answers import ready_condition
from tests.support.faults.process import Start
from tests.support.kubelet import Kubelet
from tests.support.namespaces import Namespace, serving
from tests.support.product import IMAGE, NAMESPACE, RELEASE, Product, corner
from tests.support.rights import IMPLIED, MIGRATION, granted, used


def live_a_life(namespace: Namespace) -> None:
    """Everything that an operator has to do for an Nginx, from its creation to its deletion."""
    namespace.apply({"count": 1, "image": IMAGE})
    namespace.wait("nginx", serving(1))
    for _ in range(2):  # the same Event twice is one that counts
        namespace.kubectl("scale", "deployment", "web", "--replicas=3")
        namespace.wait("deployment", lambda found: found["spec"]["replicas"] == 1)
    until(
        lambda: [e for e in namespace.list("event") if e["reason"] == "Repaired" and e["count"] == 2],
        seconds=PATIENCE,
        what="an Event that counts 2",
    )
    namespace.kubectl("patch", "service", "web", "--type=merge", "-p", '{"spec":{"selector":{"a":"b"}}}')
    namespace.wait("service", lambda found: "a" not in found["spec"]["selector"])
    kubelet = Kubelet(namespace)
    (pod,) = kubelet.pods()
    kubelet.warn(pod, "Unhealthy", "connection refused")
    kubelet.tell(pod, ready=False)  # its events are read
    namespace.wait("nginx", lambda found: "Unhealthy: connection refused" in ready_condition(found)["message"])
    kubelet.tell(pod, ready=True)
    bare = '{"metadata":{"ownerReferences":null}}'
    namespace.kubectl("patch", "deployment", "web", "--type=merge", "-p", bare)
    namespace.wait("deployment", lambda found: "ownerReferences" in found["metadata"])
    namespace.apply({"count": 2, "image": IMAGE, "service": {"enabled": False}})
    namespace.wait("nginx", serving(2))
    namespace.wait_gone("service")
    configure(namespace)
    namespace.kubectl("delete", "nginx", "web")
    namespace.wait_gone("deployment")


def configure(namespace: Namespace) -> None:
    """Three configurations, the first of which loses its owner and in the end its ReplicaSet."""

    def serve(word: str) -> str:
        config = {"http": {"inline": f"server {{ listen 8080; return 200 {word}; }}"}}
        namespace.apply({"count": 1, "image": IMAGE, "config": config})
        namespace.wait("nginx", serving(1))
        deployment = namespace.get("deployment")
        assert deployment is not None
        return str(deployment["spec"]["template"]["metadata"]["labels"][names.LABEL_CONFIG])

    first = serve("one")
    bare = '{"metadata":{"ownerReferences":null}}'
    namespace.kubectl("patch", "configmap", f"web-{first}", "--type=merge", "-p", bare)
    namespace.wait("configmap", lambda found: "ownerReferences" in found["metadata"], f"web-{first}")
    serve("two")
    namespace.kubectl("delete", "replicaset", f"-l{names.LABEL_CONFIG}={first}")
    serve("three")
    namespace.wait_gone("configmap", f"web-{first}")


def test_the_operator_uses_each_of_its_rights_and_no_other(
    control_plane: Bed, account: Path, start: Start, namespace: Namespace
) -> None:
    assert account.exists()  # the chart is installed
    operator = start(None, "--lease-name", RELEASE, "--lease-namespace", NAMESPACE, "--lease-duration", "4")
    live_a_life(namespace)
    # A Lease that is read and renewed, too.
    standby = start(None, "--lease-name", RELEASE, "--lease-namespace", NAMESPACE, "--lease-duration", "4")
    standby.wait_log("standing by")
    assert operator.end(signal.SIGTERM) == 0
    standby.wait_log("leading")
    assert standby.end(signal.SIGTERM) == 0

    done, may = used(control_plane, NAMESPACE, RELEASE), granted(control_plane, NAMESPACE, RELEASE)
    assert not done.forbidden
    assert {(what, verb) for _, what, verb in done.allowed} - MIGRATION == {
        (what, verb) for _, what, verb in may if (what, verb) not in IMPLIED | MIGRATION
    }
    leases = {right for right in done.allowed if "leases" in right[1]}
    assert {where for where, _, _ in leases} == {NAMESPACE}


def test_with_roles_in_one_namespace_it_works_there_and_looks_nowhere_else(
    control_plane: Bed, account: Path, start: Start, namespace: Namespace, tmp_path: Path
) -> None:
    assert account.exists()  # the CRD is installed
    with corner(control_plane, namespace.name) as name:
        kubeconfig = Product(control_plane, tmp_path).kubeconfig(name)
        options = ("--lease-name", name, "--lease-namespace", NAMESPACE)
        operator = start(namespace, *options, account=kubeconfig)
        live_a_life(namespace)
        assert operator.end(signal.SIGTERM) == 0

        done, may = used(control_plane, NAMESPACE, name), granted(control_plane, NAMESPACE, name)
        assert not done.forbidden
        assert {where for where, _, _ in done.allowed} == {namespace.name, NAMESPACE}
        assert {where for where, _, _ in may} == {namespace.name, NAMESPACE}
