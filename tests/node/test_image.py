"""The test bed's nginx images: what of the nginx-unprivileged image users and the operator count on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from testbed import Bed, nginxbuild, nginximages
from testbed.waiting import PATIENCE, until
from tests.support.namespaces import Namespace, fresh

RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
TEMPLATE = "server { listen 8080; return 200 'hello ${GREETED}, you ask for $uri\\n'; }"


@pytest.fixture
def namespace(node: Bed) -> Iterator[Namespace]:
    """A fresh namespace that enforces PodSecurity `restricted`."""
    with fresh(node) as namespace:
        yield namespace


def run(namespace: Namespace, version: str, container: dict[str, Any], **more: object) -> str:
    """Runs a pod of the image, waits until it is ready, and returns its address."""
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    whole = {"name": "nginx", "image": nginximages.name(version), "readinessProbe": probe, **container}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [whole], "terminationGracePeriodSeconds": 0, **more},
    }
    namespace.kubectl("create", "-f", "-", input=json.dumps(pod))
    namespace.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=150s")
    found = namespace.get("pod")
    assert found is not None
    return str(found["status"]["podIP"])


def inside(namespace: Namespace, *command: str, check: bool = True) -> str:
    """What a command in the pod's container writes, to both streams."""
    done = namespace.kubectl("exec", "web", "--", *command, check=check)
    return f"{done.stdout}{done.stderr}"


def page(namespace: Namespace, address: str, path: str = "/") -> str:
    """nginx's answer, with its header."""
    fetch = ["curl", "--silent", "--show-error", "--include", f"http://{address}:8080{path}"]
    return str(namespace.bed.run(fetch, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("version", [nginximages.OLD, nginxbuild.version()])
def test_it_serves_its_page_without_root_on_a_read_only_file_system(namespace: Namespace, version: str) -> None:
    mounts = {"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}
    security = {"securityContext": {**RESTRICTED, "readOnlyRootFilesystem": True}}
    address = run(namespace, version, {**mounts, **security}, volumes=[{"name": "tmp", "emptyDir": {}}])
    answer = page(namespace, address)
    assert f"Server: nginx/{version}" in answer
    assert "Welcome to nginx!" in answer
    assert inside(namespace, "id", "-u").strip() == "101"
    assert "Read-only file system" in inside(namespace, "touch", "/etc/nginx/conf.d/new.conf", check=False)
    assert inside(namespace, "cat", "/tmp/nginx.pid").strip() == "1"
    until(
        lambda: '"GET / HTTP/1.1" 200' in namespace.kubectl("logs", "web").stdout,
        seconds=PATIENCE,
        what="the request in the log of the pod",
    )


def test_it_has_the_modules_of_the_official_image(namespace: Namespace) -> None:
    run(namespace, nginxbuild.version(), {"securityContext": RESTRICTED})
    told = inside(namespace, "nginx", "-V")
    assert f"nginx version: nginx/{nginxbuild.version()}\n" in told
    assert [module for module in nginxbuild.MODULES if f"--with-{module} " not in told] == []


def test_its_entrypoint_adapts_the_configuration_that_it_may_write(namespace: Namespace) -> None:
    wanted = {
        "securityContext": RESTRICTED,
        "env": [{"name": "NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE", "value": "1"}],
        "resources": {"limits": {"cpu": "500m"}},
    }
    run(namespace, nginxbuild.version(), wanted)
    assert "worker_processes 1;\n" in inside(namespace, "cat", "/etc/nginx/nginx.conf")
    assert "listen [::]:8080;" in inside(namespace, "cat", "/etc/nginx/conf.d/default.conf")


def test_its_entrypoint_fills_variables_in_templates(namespace: Namespace) -> None:
    namespace.kubectl("create", "configmap", "templates", f"--from-literal=default.conf.template={TEMPLATE}")
    wanted = {
        "securityContext": RESTRICTED,
        "env": [{"name": "GREETED", "value": "world"}],
        "volumeMounts": [{"name": "templates", "mountPath": "/etc/nginx/templates"}],
    }
    volumes = [{"name": "templates", "configMap": {"name": "templates"}}]
    address = run(namespace, nginxbuild.version(), wanted, volumes=volumes)
    assert "hello world, you ask for /a" in page(namespace, address, "/a")
