"""Configurations that users write, from the spec to what nginx answers."""

from collections.abc import Mapping
from typing import Any

from nginx_operator.api import names
from testbed import nginxbuild, nginximages
from testbed.waiting import PATIENCE, until
from tests.support.answers import condition, ready_condition
from tests.support.namespaces import Namespace, serving
from tests.support.node.pages import fetch


def answers(word: str) -> dict[str, Any]:
    """A configuration that answers with one word."""
    return {"http": {"inline": f'server {{\n    listen 8080;\n    return 200 "{word}";\n}}\n'}}


def wait_answer(namespace: Namespace, word: str) -> None:
    service = namespace.get("service")
    assert service is not None
    address = service["spec"]["clusterIP"]
    until(lambda: fetch(namespace.bed, address).body == word, seconds=PATIENCE, what=f"the answer {word}")


def config_valid(nginx: dict[str, Any]) -> Mapping[str, str]:
    return condition(nginx, "ConfigValid")


def config_maps(namespace: Namespace) -> list[str]:
    return [
        found["metadata"]["name"]
        for found in namespace.list("configmap")
        if names.LABEL_INSTANCE in found["metadata"].get("labels", {})
    ]


def test_a_configuration_is_served_and_a_change_of_it_rolls_out(namespace: Namespace) -> None:
    namespace.apply({"count": 2, "config": answers("one")})
    found = namespace.wait("nginx", serving(2))
    assert (config_valid(found)["status"], config_valid(found)["reason"]) == ("True", "ConfigTestPassed")
    wait_answer(namespace, "one")
    first = config_maps(namespace)
    namespace.apply({"count": 2, "config": answers("two")})
    namespace.wait("nginx", lambda nginx: serving(2)(nginx) and config_valid(nginx)["status"] == "True")
    wait_answer(namespace, "two")
    # The earlier one stays for the ReplicaSet that a `kubectl rollout undo` would scale up.
    assert len(first) == 1
    assert set(first) < set(config_maps(namespace))


def test_what_only_nginx_finds_is_held_back_and_told_with_its_line(namespace: Namespace) -> None:
    """A parser cannot know that a host does not resolve, or that a variable does not exist."""
    namespace.apply({"count": 2, "config": answers("one")})
    namespace.wait("nginx", serving(2))
    serving_now = {pod["metadata"]["uid"] for pod in namespace.list("pod")}
    broken = "server {\n    listen 8080;\n    return 200 $nonesuch;\n}\n"
    namespace.apply({"count": 2, "config": {"http": {"inline": broken}}})
    found = namespace.wait("nginx", lambda nginx: config_valid(nginx).get("status") == "False")
    assert config_valid(found)["reason"] == "ConfigTestFailed"
    assert config_valid(found)["message"] == 'unknown "nonesuch" variable'
    assert ready_condition(found)["reason"] == "ConfigTestFailed"
    assert "2 of 2 pods are ready" in ready_condition(found)["message"]
    wait_answer(namespace, "one")
    assert serving_now <= {pod["metadata"]["uid"] for pod in namespace.list("pod")}
    told = [event for event in namespace.list("event") if event["reason"] == "ConfigTestFailed"]
    assert [event["type"] for event in told] == ["Warning"]
    namespace.apply({"count": 2, "config": answers("two")})
    namespace.wait("nginx", lambda nginx: serving(2)(nginx) and config_valid(nginx)["status"] == "True")
    wait_answer(namespace, "two")


def test_a_line_that_nginx_names_is_that_of_the_field(namespace: Namespace) -> None:
    unreachable = "upstream app {\n    server no-such-host.invalid;\n}\nserver {\n    listen 8080;\n}\n"
    namespace.apply({"count": 1, "config": {"http": {"inline": unreachable}}})
    found = namespace.wait("nginx", lambda nginx: config_valid(nginx).get("status") == "False")
    message = config_valid(found)["message"]
    assert message == 'spec.config.http.inline:2: host not found in upstream "no-such-host.invalid"'


def test_the_whole_configuration_may_be_the_users(namespace: Namespace) -> None:
    whole = (
        "pid /tmp/nginx.pid;\nevents {}\nhttp {\n"
        + "".join(
            f"    {kind}_temp_path /tmp/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + '    server { listen 8080; return 200 "whole"; }\n}\n'
    )
    namespace.apply({"count": 1, "config": {"main": {"inline": whole}}})
    namespace.wait("nginx", serving(1))
    wait_answer(namespace, "whole")


def test_both_images_run_the_operators_part(namespace: Namespace) -> None:
    for version in (nginximages.OLD, nginxbuild.version()):
        image = nginximages.name(version)
        namespace.apply({"count": 1, "image": image, "config": answers(f"nginx {version}")})
        namespace.wait("nginx", lambda nginx, image=image: serving(1)(nginx) and nginx["status"].get("image") == image)
        wait_answer(namespace, f"nginx {version}")


def test_going_back_to_the_images_own_leaves_no_test_behind(namespace: Namespace) -> None:
    namespace.apply({"count": 1, "config": answers("one")})
    namespace.wait("nginx", serving(1))
    namespace.apply({"count": 1})
    found = namespace.wait("nginx", serving(1))
    assert config_valid(found) == {}
    deployment = namespace.get("deployment")
    assert deployment is not None
    pod = deployment["spec"]["template"]["spec"]
    assert "initContainers" not in pod
    assert "command" not in pod["containers"][0]
