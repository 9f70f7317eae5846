"""What the operator costs the API server: nothing when nothing changes, a dozen statuses for a long rollout."""

from bench.audit import Audit
from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.faults.process import Start
from tests.support.namespaces import Namespace, serving
from tests.support.product import IMAGE, NAMESPACE, RELEASE

USER = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"


def test_three_resyncs_of_settled_nginxes_write_nothing(control_plane: Bed, start: Start, namespace: Namespace) -> None:
    names = [f"web-{number}" for number in range(5)]
    for name in names:
        resources = {"requests": {"cpu": "0.1m", "memory": "0.5Gi"}}  # which the API server writes in another way
        namespace.apply({"count": 2, "image": IMAGE, "resources": resources}, name)
    operator = start(namespace, "--resync-period", "2")
    for name in names:
        namespace.wait("nginx", serving(2), name)

    def resyncs() -> int:
        return operator.text().count("resync of 5 nginxes")

    def looks() -> int:
        return operator.text().count("/web-0] the children are as they should be")

    settled = resyncs(), looks()
    audit = Audit(control_plane.audit_log)
    until(lambda: resyncs() >= settled[0] + 4, seconds=PATIENCE, what="four more resyncs")
    assert looks() >= settled[1] + 3
    assert not audit.writes(USER)


def test_an_nginx_that_the_watch_tells_of_is_not_read_live(
    control_plane: Bed, start: Start, namespace: Namespace
) -> None:
    namespace.apply({"count": 1, "image": IMAGE}, "before")
    start(namespace)
    namespace.wait("nginx", serving(1), "before")
    audit = Audit(control_plane.audit_log)
    namespace.apply({"count": 1, "image": IMAGE})
    namespace.wait("nginx", serving(1))
    for count in (3, 2):
        namespace.apply({"count": count, "image": IMAGE})
        namespace.wait("nginx", serving(count))
    assert not live_reads(audit)
    namespace.kubectl("delete", "service", "web")  # as if the Nginx had gone with it
    namespace.wait("service", lambda _: True)
    until(lambda: live_reads(audit), seconds=PATIENCE, what="a live read")


def live_reads(audit: Audit) -> list[str]:
    """Names of the Nginx that the operator has read live."""
    return [
        request["objectRef"]["name"]
        for request in audit.requests()
        if request["user"]["username"] == USER
        and (request["verb"], request["objectRef"].get("resource")) == ("get", "nginxes")
    ]


def test_a_rollout_of_ten_pods_costs_a_dozen_statuses(control_plane: Bed, start: Start, namespace: Namespace) -> None:
    namespace.apply({"count": 10, "image": IMAGE})
    start(namespace)
    before = namespace.wait("nginx", serving(10))["status"]["nodes"]
    audit = Audit(control_plane.audit_log)
    namespace.apply({"count": 10, "image": f"{IMAGE}-slim"})

    def replaced() -> bool:
        nginx = namespace.get("nginx")
        return nginx is not None and serving(10)(nginx) and not set(before) & set(nginx["status"]["nodes"])

    until(replaced, seconds=PATIENCE, what="ten new pods")
    writes = audit.writes(USER)
    assert writes["patch deployments"] == 1
    assert 1 < writes["patch nginxes/status"] <= 12
