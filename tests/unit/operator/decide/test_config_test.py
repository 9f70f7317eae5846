"""What nginx says of a configuration, by what the kubelet keeps of its test."""

from typing import Any

import msgspec
import pytest

from nginx_operator.api import names
from nginx_operator.api.types import Child, NginxSpec, Pod
from nginx_operator.children.configuration import written_hash
from nginx_operator.decide import conditions
from nginx_operator.decide.observation import Observation

HTTP = NginxSpec.from_dict({"count": 1, "image": "a:1", "config": {"http": {"inline": "x;"}}})
MAIN = NginxSpec.from_dict({"count": 1, "image": "a:1", "config": {"main": {"inline": "x;"}}})


def pod(spec: NginxSpec, state: dict[str, Any], *, written: str = "", **status: Any) -> Pod:
    test = {"name": names.CONFIG_TEST_CONTAINER, "restartCount": 1, **state}
    body = {
        "metadata": {"name": "web-1", "labels": {names.LABEL_CONFIG: f"{written or written_hash(spec)}-0"}},
        "status": {"phase": "Pending", "initContainerStatuses": [test], **status},
    }
    return msgspec.json.decode(msgspec.json.encode(body), type=Pod)


def ended(message: str, code: int = 1, field: str = "lastState") -> dict[str, Any]:
    return {field: {"terminated": {"exitCode": code, "reason": "Error", "message": message}}}


def seen(spec: NginxSpec, *pods: Pod) -> Observation:
    deployment = msgspec.json.decode(b'{"metadata": {"name": "web"}}', type=Child)
    return Observation(spec, pods=pods, written=written_hash(spec), deployment=deployment)


def config_valid(spec: NginxSpec, *pods: Pod) -> tuple[str, str, str]:
    found = conditions.config_valid(seen(spec, *pods))
    assert found is not None
    return found.status, found.reason, found.message


TAIL = "nginx: configuration file /etc/nginx/nginx.conf test failed\n"


@pytest.mark.parametrize(
    ("spec", "message", "told"),
    [
        (
            HTTP,
            f'2026/11/27 10:00:00 [emerg] 7#7: unknown directive "roo" in /etc/nginx/http.conf:3\n'
            f'nginx: [emerg] unknown directive "roo" in /etc/nginx/http.conf:3\n{TAIL}',
            'spec.config.http.inline:3: unknown directive "roo"',
        ),
        (
            MAIN,
            f'nginx: [emerg] no "events" section in /etc/nginx/nginx.conf:9\n{TAIL}',
            'spec.config.main.inline:9: no "events" section',
        ),
        (
            HTTP,
            f'nginx: [emerg] "user" is strange in /etc/nginx/nginx.conf:9\n{TAIL}',
            '"user" is strange in /etc/nginx/nginx.conf:9',
        ),
        (HTTP, f'nginx: [warn] so so\nnginx: [emerg] unknown "x" variable\n{TAIL}', 'unknown "x" variable'),
        (HTTP, "exec: nginx: not found", "exec: nginx: not found"),
        (HTTP, "", "nginx -t ended with exit code 1 (Error)"),
    ],
)
def test_the_refusal_is_nginxs_sentence_with_the_field_and_its_line(spec: NginxSpec, message: str, told: str) -> None:
    for field in ("lastState", "state"):
        assert config_valid(spec, pod(spec, ended(message, field=field))) == ("False", "ConfigTestFailed", told)


def test_ready_says_it_too_and_how_many_pods_serve() -> None:
    found = conditions.ready(seen(HTTP, pod(HTTP, ended("nginx: [emerg] no"))))
    assert (found.status, found.reason) == ("False", "ConfigTestFailed")
    assert found.message == "nginx refuses the configuration: no; 0 of 1 pods are ready"


def test_a_pod_that_runs_has_passed() -> None:
    assert config_valid(HTTP, pod(HTTP, {}, phase="Running"))[:2] == ("True", "ConfigTestPassed")


@pytest.mark.parametrize(
    "status",
    [{}, {"phase": "Running", "conditions": [{"type": "Initialized", "status": "False"}]}],
)
def test_until_then_nothing_is_known(status: dict[str, Any]) -> None:
    assert config_valid(HTTP, pod(HTTP, {}, **status))[:2] == ("Unknown", "NotTested")


def test_a_pod_of_another_text_says_nothing_of_this_one() -> None:
    assert config_valid(HTTP, pod(HTTP, ended("nginx: [emerg] no"), written="ffffffffff"))[0] == "Unknown"
    assert config_valid(HTTP, pod(HTTP, {}, written="ffffffffff", phase="Running"))[0] == "Unknown"


def test_there_is_no_condition_where_the_image_brings_the_configuration() -> None:
    assert conditions.config_valid(seen(NginxSpec(1, "a:1"))) is None
