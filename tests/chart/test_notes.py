"""What `helm install` tells: the next step, and what is unwise."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from nginx_operator.api import names, validation
from nginx_operator.api.policy import Policy
from tests.support import rendering
from tests.support.rendering import CHART, NAMESPACE, RELEASE


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart without its guards, as a cluster with every API has it: a dry run cannot be told of APIs."""
    chart = tmp_path_factory.mktemp("unguarded") / CHART.name
    shutil.copytree(CHART, chart)
    (chart / "templates" / "guards.yaml").unlink()
    return chart


def notes(program: str, values: dict[str, Any], chart: Path = CHART) -> str:
    written = rendering.helm(
        program,
        *("install", RELEASE, str(chart), "--namespace", NAMESPACE, "--dry-run=client", "--values", "-"),
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
    assert not validation.validate(manifest["metadata"]["name"], manifest["spec"], Policy(), strict=True).errors
    assert "WARNING" not in told
    assert f"kubectl -n {NAMESPACE} logs deployment/nginx-operator-webhooks" in told


def test_what_was_installed_is_told(helm: str) -> None:
    told = " ".join(notes(helm, {}).split())
    for words in (
        f"is installed in namespace {NAMESPACE}, for the Nginx of all namespaces:",
        "deployment/nginx-operator, 1 of which one works at a time",
        "deployment/nginx-operator-webhooks, 2 with certificates of their own",
        f"customresourcedefinition/{names.CRD}, which helm uninstall leaves with every Nginx",
    ):
        assert words in told


def test_the_next_step_is_in_a_namespace_that_is_watched(helm: str) -> None:
    told = notes(helm, {"watchNamespaces": ["shop", "blog"]})
    manifest = yaml.safe_load(shell(told[told.index("kubectl apply") : told.index("\n3. ")]))

    assert "for the Nginx of shop, blog:" in told
    assert manifest["metadata"] == {"name": "nginx-sample", "namespace": "shop"}
    assert "kubectl -n shop wait nginx/nginx-sample" in told
    assert "kubectl -n shop describe nginx/nginx-sample" in told


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ({"webhooks": {"enabled": False}}, "webhooks.enabled is false. A count"),
        (
            {"webhooks": {"replicas": 1}},
            "webhooks.replicas is less than 2. While the only pod is away, the API server ref",
        ),
        ({"webhooks": {"podDisruptionBudget": {"enabled": False}}}, "webhooks.podDisruptionBudget.enabled is false"),
        ({"webhooks": {"failurePolicy": "Ignore"}}, "webhooks.failurePolicy is Ignore"),
        ({"webhooks": {"objectSelector": {"matchLabels": {"a": "b"}}}}, "the webhooks are limited by a selector"),
        (
            {"webhooks": {"certs": {"mode": "existingSecret", "existingSecret": "tls"}}},
            f"webhooks.certs.mode is existingSecret. Nobody renews the certificate in Secret {NAMESPACE}/tls",
        ),
        (
            {"webhooks": {"hostNetwork": True, "port": 20250}},
            "webhooks.hostNetwork is true. Ports 20250 and 8081 are open on the nodes",
        ),
        ({"operator": {"admissionProbe": False}}, "operator.admissionProbe is false"),
        ({"operator": {"replicas": 0}}, "operator.replicas is 0"),
        ({"crds": {"enabled": False}}, "crds.enabled is false"),
        ({"crds": {"keep": False}}, "crds.keep is false"),
        ({"rbac": {"create": False}}, "rbac.create is false"),
        ({"rbac": {"confine": False}}, "rbac.confine is false"),
        ({"global": {"imageRegistry": "mirror.example.net"}}, "global.imageRegistry is not where nginx comes from"),
        ({"monitoring": {"prometheusRule": {"enabled": True}}}, "monitoring.serviceMonitor.enabled is false"),
    ],
)
def test_what_is_risky_is_said(values: dict[str, Any], warning: str, helm: str, unguarded: Path) -> None:
    told = notes(helm, values, unguarded)

    assert told.count("WARNING") == 1
    assert f"WARNING: {warning}" in told


@pytest.mark.parametrize(
    "values",
    [
        {"global": {"imageRegistry": "docker.io"}},
        {"monitoring": {"dashboard": {"enabled": True}}},
        {"webhooks": {"certs": {"mode": "certManager"}}, "operator": {"replicas": 2}},
    ],
)
def test_what_is_not_risky_is_not_warned_of(values: dict[str, Any], helm: str, unguarded: Path) -> None:
    assert "WARNING" not in notes(helm, values, unguarded)
