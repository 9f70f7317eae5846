"""What `helm install` tells: the next step, and what is unwise."""

import subprocess
from typing import Any

import pytest
import yaml

from nginx_operator.api import names, validation
from nginx_operator.api.faults import Subject
from nginx_operator.api.policy import Policy
from tests.chart import rendering
from tests.chart.rendering import CHART, NAMESPACE, RELEASE


def notes(program: str, values: dict[str, Any]) -> str:
    written = rendering.helm(
        program,
        *("install", RELEASE, str(CHART), "--namespace", NAMESPACE, "--dry-run=client", "--values", "-"),
        stdin=yaml.safe_dump(values),
    )
    return written.partition("\nNOTES:\n")[2]


def shell(command: str) -> str:
    """What kubectl reads from stdin when a user pastes the command into a shell."""
    script = f"kubectl() {{ cat; }}\n{command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert not done.stderr  # bash warns of a here-document without an end
    return done.stdout


def test_the_next_step_can_be_pasted(helm: str) -> None:
    told = notes(helm, {})
    start, end = told.index("kubectl apply"), told.index("\n3. ")
    manifest = yaml.safe_load(shell(told[start:end]))

    assert (manifest["apiVersion"], manifest["kind"]) == (names.API_VERSION, names.KIND)
    assert not validation.check(Subject(manifest["metadata"]["name"], manifest["spec"], Policy(), strict=True)).faults
    assert "WARNING" not in told
    assert f"kubectl -n {NAMESPACE} logs deployment/nginx-operator-webhooks" in told


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ({"webhooks": {"enabled": False}}, "webhooks.enabled is false"),
        ({"webhooks": {"replicas": 1}}, "webhooks.replicas is less than 2"),
        ({"webhooks": {"failurePolicy": "Ignore"}}, "webhooks.failurePolicy is Ignore"),
        ({"webhooks": {"objectSelector": {"matchLabels": {"a": "b"}}}}, "the webhooks are limited by a selector"),
        ({"crds": {"enabled": False}}, "crds.enabled is false"),
        ({"rbac": {"create": False}}, "rbac.create is false"),
    ],
)
def test_what_is_unwise_is_said(values: dict[str, Any], warning: str, helm: str) -> None:
    told = notes(helm, values)

    assert told.count("WARNING") == 1
    assert f"WARNING: {warning}" in told
