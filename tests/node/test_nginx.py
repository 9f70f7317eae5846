"""What an application team sees: pods that run, a Service that answers, refusals that help."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed import Bed, images, nginxbuild, nginximages
from testbed.waiting import PATIENCE, until
from tests.support import scc
from tests.support.answers import ready_condition
from tests.support.namespaces import Namespace, serving
from tests.support.node.pages import Page, fetch
from tests.support.node.release import Release

EXAMPLES = images.PROJECT / "examples"


def wait_page(namespace: Namespace, version: str) -> None:
    """Waits until the Service `web` answers with the page of that nginx."""
    service = namespace.get("service")
    assert service is not None
    address = service["spec"]["clusterIP"]

    def is_page(page: Page) -> bool:
        return page.image == version and "nginx" in page.body

    # kube-proxy learns of ready pods a moment after the status does
    until(lambda: is_page(fetch(namespace.bed, address)), seconds=PATIENCE, what=f"the page of {version}")


def uids(namespace: Namespace) -> set[str]:
    return {pod["metadata"]["uid"] for pod in namespace.list("pod")}


def test_the_sample_runs_three_pods_and_names_them(namespace: Namespace) -> None:
    namespace.kubectl("apply", "-f", str(EXAMPLES / "01-nginx-sample.yaml"))
    namespace.kubectl("wait", "--for=condition=Ready", "nginx/nginx-sample", "--timeout=150s")
    pods = namespace.list("pod")
    assert [pod["status"]["phase"] for pod in pods] == ["Running"] * 3
    found = namespace.get("nginx", "nginx-sample")
    assert found is not None
    assert found["status"]["nodes"] == sorted(pod["metadata"]["name"] for pod in pods)


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_becomes_what_it_says(namespace: Namespace, example: Path) -> None:
    reasons = {"nginx-paused": "Paused", "nginx-stopped": "Stopped"}
    namespace.kubectl("apply", "-f", str(example))
    for nginx in (d for d in yaml.safe_load_all(example.read_text()) if d["kind"] == "Nginx"):
        name = nginx["metadata"]["name"]
        namespace.wait_reason(reasons.get(name, "Ready"), name)


def test_a_new_image_answers_through_the_service(namespace: Namespace) -> None:
    old, new = (nginximages.name(version) for version in (nginximages.OLD, nginxbuild.version()))
    namespace.apply({"count": 2, "image": old})
    namespace.wait("nginx", serving(2))
    wait_page(namespace, nginximages.OLD)
    namespace.apply({"count": 2, "image": new})
    namespace.wait("nginx", lambda nginx: nginx["status"].get("image") == new and serving(2)(nginx))
    wait_page(namespace, nginxbuild.version())


def test_an_image_that_cannot_be_pulled_is_named(namespace: Namespace) -> None:
    namespace.apply({"count": 1, "image": "registry.invalid/none:1"})
    assert "registry.invalid/none:1" in namespace.wait_reason("ImagePullFailed")["message"]
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))


RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 101,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def add_to_pods(namespace: Namespace, where: str, name: str, image: str, **more: object) -> None:
    """Somebody, a mesh for instance, adds a container to the pods."""
    added = {where: [{"name": name, "image": image, "securityContext": RESTRICTED, **more}]}
    namespace.kubectl("patch", "deployment", "web", "-p", json.dumps({"spec": {"template": {"spec": added}}}))


def test_a_port_that_nobody_listens_on_is_asked_about(namespace: Namespace) -> None:
    namespace.apply({"count": 1, "containerPort": 9090})
    told = namespace.wait("nginx", lambda found: "connection refused" in str(found.get("status")))
    message = ready_condition(told)["message"]
    assert "Readiness probe failed: dial tcp" in message
    assert message.endswith("does the image listen on spec.containerPort 9090?")
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))


def test_a_memory_limit_in_which_nothing_starts_is_asked_about(namespace: Namespace) -> None:
    namespace.apply({"count": 1, "resources": {"limits": {"memory": "100Ki"}}})
    told = namespace.wait("nginx", lambda found: "limits.memory" in str(found.get("status")))
    assert ready_condition(told)["message"].endswith("is spec.resources.limits.memory enough to start a container?")


def test_an_init_container_that_cannot_be_pulled_is_named(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    add_to_pods(namespace, "initContainers", "mesh-init", "registry.invalid/mesh:1")
    message = namespace.wait_reason("ImagePullFailed")["message"]
    assert "container mesh-init: ErrImagePull: " in message
    assert "registry.invalid/mesh:1" in message


def test_a_sidecar_that_dies_again_and_again_is_one_state(namespace: Namespace) -> None:
    namespace.apply({"count": 1})
    namespace.wait("nginx", serving(1))
    image = nginximages.name()
    add_to_pods(namespace, "containers", "agent", image, command=["sh", "-c", "sleep 2; exit 3"])
    said = namespace.wait_reason("CrashLooping")["message"]
    assert said.endswith("container agent: CrashLoopBackOff: ends again and again, with exit code 3 (Error)")
    first, began = conditions(namespace.wait("nginx", bool)), restarts(namespace)
    # It is ready for a moment meanwhile, so the numbers in the message may differ.
    assert conditions(namespace.wait("nginx", lambda nginx: restarts(namespace) > began)) == first


def conditions(nginx: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions without their messages."""
    return [{**condition, "message": ""} for condition in nginx["status"]["conditions"]]


def restarts(namespace: Namespace) -> int:
    """How often the kubelet restarted the containers of the namespace's pods."""
    statuses = [each for pod in namespace.list("pod") for each in pod["status"].get("containerStatuses", ())]
    return sum(each["restartCount"] for each in statuses)


def test_what_is_wrong_is_refused_with_a_sentence(namespace: Namespace) -> None:
    for count, words in ((101, "spec.count: 101 is more than"), (-1, "spec.count"), ("three", "spec.count")):
        done = namespace.apply({"count": count}, check=False)
        assert done.returncode == 1
        assert words in done.stderr
    assert namespace.list("nginx") == []


def test_a_count_that_is_left_out_is_filled_in(namespace: Namespace) -> None:
    namespace.apply(...)
    found = namespace.get("nginx")
    assert found is not None
    assert (found["spec"]["count"], found["spec"]["image"]) == (1, nginximages.name())


def test_new_pods_of_the_operator_and_the_webhooks_leave_nginx_alone(installed: Release, namespace: Namespace) -> None:
    namespace.apply({"count": 2})
    namespace.wait("nginx", serving(2))
    before = uids(namespace)
    installed.replace_pods("webhooks")
    namespace.apply({"count": 1}, "other")  # admitted by the new pods
    installed.replace_pods("operator")
    namespace.kubectl("delete", "service", "web")  # and repaired by the new ones
    namespace.wait("service", bool)
    namespace.wait("nginx", serving(1), "other")
    assert before <= uids(namespace)


def test_an_upgrade_changes_the_policy_and_leaves_nginx_alone(installed: Release, namespace: Namespace) -> None:
    namespace.apply({"count": 2})
    namespace.wait("nginx", serving(2))
    before = uids(namespace)
    installed.upgrade(4, "--set", "webhooks.policy.maxCount=2", "--set", "log.format=json")

    def refused() -> bool:  # the kubelet takes its time to bring a changed ConfigMap into a running pod
        return "maxCount is 2" in namespace.apply({"count": 3}, "other", "--dry-run=server", check=False).stderr

    until(refused, seconds=PATIENCE, what="the new policy in force")
    installed.upgrade(4, "--reset-values")
    until(lambda: not refused(), seconds=PATIENCE, what="the old policy in force")
    namespace.apply({"count": 3}, "other")
    namespace.wait("nginx", serving(3), "other")
    assert before <= uids(namespace)


#: Sends requests over connections that stay open, so that nginx is never idle, until each has had its answers.
_LOAD = """
import http.client, sys, threading
def send():
    connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=60)
    for _ in range(int(sys.argv[2])):
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        answered.append(answer.status)
answered = []
threads = [threading.Thread(target=send) for _ in range(32)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(answered), set(answered))
"""


def workers(bed: Bed, pod: dict[str, Any]) -> list[int]:
    """The processes of nginx's workers in a pod."""
    (status,) = pod["status"]["containerStatuses"]
    found = bed.processes_of(status["containerID"].removeprefix("containerd://"))
    return [process for process in found if b"worker process" in Path(f"/proc/{process}/cmdline").read_bytes()]


def readiness(namespace: Namespace) -> tuple[str, str]:
    """Status of the one pod's condition Ready, and since when."""
    (pod,) = namespace.list("pod")
    (found,) = (c for c in pod["status"]["conditions"] if c["type"] == "Ready")
    return found["status"], found["lastTransitionTime"]


def test_by_http_a_hung_nginx_is_unready_and_a_busy_one_stays_ready(namespace: Namespace) -> None:
    """The kernel accepts connections for a hung one, so a probe by TCP does not notice."""
    probe = {"httpGet": {"path": "/"}, "periodSeconds": 1, "failureThreshold": 2}
    namespace.apply({"count": 1, "probes": {"readiness": probe}})
    namespace.wait("nginx", serving(1))
    wait_page(namespace, nginxbuild.version())
    before, found = readiness(namespace), namespace.get("service")
    assert found is not None
    load = [sys.executable, "-c", _LOAD, found["spec"]["clusterIP"], "1000"]
    done = namespace.bed.run(load, capture_output=True, text=True)
    assert done.stdout.strip() == "32000 {200}", done.stderr
    assert readiness(namespace) == before

    (pod,) = namespace.list("pod")
    hung = workers(namespace.bed, pod)
    assert hung
    for process in hung:
        os.kill(process, signal.SIGSTOP)
    try:
        namespace.wait("nginx", lambda nginx: nginx["status"]["readyCount"] == 0)
        assert readiness(namespace)[0] == "False"
    finally:
        for process in hung:
            os.kill(process, signal.SIGCONT)
    namespace.wait("nginx", serving(1))


def test_nginx_runs_with_an_id_that_the_platform_assigns(installed: Release, namespace: Namespace) -> None:
    """As under OpenShift's restricted-v2: a user that the image does not know, in the group of the volumes."""
    scc.enforce(installed.bed)
    scc.assign(installed.bed)
    try:
        scc.select(namespace)
        installed.upgrade(4, "--set", "nginx.fixedIDs=false")
        namespace.apply({"count": 1})
        namespace.wait("nginx", serving(1))
        wait_page(namespace, nginxbuild.version())
        (pod,) = (pod for pod in namespace.list("pod") if "deletionTimestamp" not in pod["metadata"])
        for process in workers(installed.bed, pod):
            assert Path(f"/proc/{process}").stat().st_uid == scc.FIRST
    finally:
        scc.remove(installed.bed)
        installed.upgrade(4, "--reset-values")
