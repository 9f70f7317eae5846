"""Configurations on a real API server: their ConfigMaps, what the schema refuses, and what is left in the end."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from nginx_operator.api import names
from testbed.waiting import PATIENCE, until
from tests.support.answers import DENIED, condition, ready_condition
from tests.support.namespaces import Namespace, nginx, serving


def http(text: str) -> dict[str, Any]:
    return {"http": {"inline": text}}


def config_maps(namespace: Namespace) -> dict[str, Mapping[str, Any]]:
    """The ConfigMaps of the Nginx web, by name."""
    labels = names.labels("web").items()
    found = namespace.list("configmap")
    return {item["metadata"]["name"]: item for item in found if labels <= item["metadata"].get("labels", {}).items()}


def mounted(namespace: Namespace) -> str:
    """The ConfigMap that the pod template names."""
    deployment = namespace.get("deployment")
    assert deployment is not None
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    (name,) = (volume["configMap"]["name"] for volume in volumes if "configMap" in volume)
    return str(name)


def serve(namespace: Namespace, word: str, **more: Any) -> str:
    """Has the Nginx web run a text of that word. Returns the name of its ConfigMap."""
    namespace.apply({"count": 1, "config": http(f"server {{ listen 8080; return 200 {word}; }}"), **more})
    namespace.wait("nginx", serving(1))
    return mounted(namespace)


def test_the_text_is_in_an_immutable_config_map_of_the_nginx(namespace: Namespace) -> None:
    name = serve(namespace, "one")
    (found,) = config_maps(namespace).values()
    owner = namespace.get("nginx")
    assert owner is not None
    assert (found["metadata"]["name"], found["immutable"]) == (name, True)
    assert found["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"]
    assert "return 200 one;" in found["data"]["http.conf"]
    assert "include /etc/nginx/http.conf;" in found["data"]["nginx.conf"]
    (pod,) = namespace.list("pod")
    assert f"web-{pod['metadata']['labels'][names.LABEL_CONFIG]}" == name


def test_what_somebody_deletes_comes_back_and_what_nobody_needs_goes(namespace: Namespace) -> None:
    first = serve(namespace, "one")
    namespace.kubectl("delete", "configmap", first)
    until(lambda: first in config_maps(namespace), seconds=PATIENCE, what=f"{first} back")
    second = serve(namespace, "two")
    assert set(config_maps(namespace)) == {first, second}
    # `kubectl rollout undo` could still need the first one, until its ReplicaSet is gone.
    for replica_set in namespace.list("replicaset"):
        if replica_set["metadata"]["labels"][names.LABEL_CONFIG] in first:
            namespace.kubectl("delete", "replicaset", replica_set["metadata"]["name"])
    third = serve(namespace, "three")
    until(lambda: set(config_maps(namespace)) == {second, third}, seconds=PATIENCE, what=f"{first} gone")


def test_a_scaling_touches_no_config_map_and_restarts_no_pod(namespace: Namespace) -> None:
    serve(namespace, "one")
    (pod,) = namespace.list("pod")
    before = config_maps(namespace)
    namespace.kubectl("scale", "nginx", "web", "--replicas=2")
    namespace.wait("nginx", serving(2))
    assert config_maps(namespace) == before
    assert pod["metadata"]["uid"] in {each["metadata"]["uid"] for each in namespace.list("pod")}


def test_a_paused_nginx_gets_none_and_says_what_waits(namespace: Namespace) -> None:
    first = serve(namespace, "one")
    namespace.apply({"count": 1, "paused": True, "config": http("server { listen 8080; return 200 two; }")})
    message = namespace.wait_reason("Paused")["message"]
    assert "1 change waits (Deployment web: spec.template.metadata.labels[proxy.example.com/config]" in message
    assert set(config_maps(namespace)) == {first}


def test_somebody_elses_config_map_is_not_mounted(namespace: Namespace) -> None:
    name = serve(namespace, "one")
    namespace.kubectl("delete", "nginx", "web")
    until(lambda: not config_maps(namespace), seconds=PATIENCE, what="the ConfigMaps gone with their Nginx")
    namespace.wait_gone("deployment")
    namespace.kubectl("create", "configmap", name, "--from-literal=http.conf=theirs")
    namespace.apply({"count": 1, "config": http("server { listen 8080; return 200 one; }")})
    assert f"ConfigMap {name} exists and belongs to no Nginx" in namespace.wait_reason("NameConflict")["message"]
    assert namespace.get("deployment") is None
    namespace.kubectl("delete", "configmap", name)
    namespace.wait("nginx", serving(1))


def test_an_orphaned_one_is_adopted(namespace: Namespace) -> None:
    name = serve(namespace, "one")
    namespace.kubectl("delete", "nginx", "web", "--cascade=orphan")
    before = config_maps(namespace)[name]["metadata"]["uid"]
    serve(namespace, "one")
    owner = namespace.get("nginx")
    assert owner is not None

    def adopted() -> bool:
        metadata = config_maps(namespace)[name]["metadata"]
        references = metadata.get("ownerReferences", ())
        return metadata["uid"] == before and [each["uid"] for each in references] == [owner["metadata"]["uid"]]

    until(adopted, seconds=PATIENCE, what=f"{name} adopted")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "two of them": (
        {"config": {"main": {"inline": "events {}"}, **http("a;")}},
        "needs exactly one of http, main and image",
    ),
    "none of them": ({"config": {}}, "needs exactly one of http, main and image"),
    "an empty text": ({"config": http("")}, "spec.config.http.inline"),
    "a text that is too long": ({"config": http("#" * 65537)}, "spec.config.http.inline"),
    "the operator's port": (
        {"containerPort": 8081, "config": http("server { listen 8082; }")},
        "spec.containerPort: Invalid value: 8081 is the port of the operator's own server",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_schema_refuses(namespace: Namespace, case: str) -> None:
    spec, words = REFUSED[case]
    body = yaml.safe_dump(nginx(spec, name="web"))
    done = namespace.kubectl("apply", "--server-side", "-f", "-", input=body, check=False)
    assert done.returncode != 0
    assert words in done.stderr
    assert DENIED not in done.stderr


def test_a_broken_text_is_refused_with_its_line_and_a_deaf_one_is_warned_of(namespace: Namespace) -> None:
    done = namespace.apply({"config": http("server {\n    listen 8080\n}\n")}, check=False)
    assert 'spec.config.http.inline:2: directive "listen" is not terminated by ";"' in done.stderr
    done = namespace.apply({"config": http("server { listen 9090; }")})
    assert "no server listens on spec.containerPort 8080" in done.stderr


def test_a_quota_on_config_maps_holds_the_deployment_back(namespace: Namespace) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few"},
        "spec": {"hard": {"configmaps": 1}},
    }
    namespace.kubectl("apply", "-f", "-", input=yaml.safe_dump(quota))
    namespace.wait("resourcequota", lambda found: found.get("status", {}).get("used"), "few")
    namespace.apply({"count": 1, "config": http("server { listen 8080; }")})
    told = namespace.wait_reason("QuotaExceeded")
    assert "ConfigMap web-" in told["message"]
    assert namespace.get("deployment") is None
    namespace.kubectl("delete", "resourcequota", "few")
    found = namespace.wait("nginx", serving(1))
    assert condition(found, "ConfigValid")
    assert ready_condition(found)["status"] == "True"
