"""What `helm test` creates: one pod of our own image, with rights of its own, gone when it is over."""

from pathlib import Path
from typing import Any

import pytest

from nginx_operator.__main__ import main
from nginx_operator.api import names
from nginx_operator.commands import check
from tests.chart.test_rbac import rights
from tests.support.rendering import CERT_MANAGER, CHART, KUBE_VERSION, MONITORING, NAMESPACE, RELEASE, VALUES, Rendering
from tests.support.rendering import helm as run

FILES = sorted(VALUES.glob("*.yaml"))
each_file = pytest.mark.parametrize("values", FILES, ids=lambda path: path.stem)
HOOK = "helm.sh/hook"


def rendered(helm: str, values: Path, *arguments: str) -> Rendering:
    """Only what `helm test` creates."""
    command = ["template", RELEASE, str(CHART), "--namespace", NAMESPACE, KUBE_VERSION, CERT_MANAGER, MONITORING]
    command += arguments
    return Rendering(run(helm, *command, "--values", str(values), "--show-only", "templates/tests/check.yaml"))


def container(found: Rendering) -> dict[str, Any]:
    (pod,) = found.of_kind("Pod")
    (only,) = pod["spec"]["containers"]
    assert isinstance(only, dict)
    return only


@each_file
def test_there_is_no_hook_but_of_the_test_and_nothing_of_it_stays(values: Path, helm: str) -> None:
    found = rendered(helm, values)
    assert {thing["kind"] for thing in found.objects} >= {"ServiceAccount", "Pod"}
    for thing in found.objects:
        annotations = thing["metadata"]["annotations"]
        assert annotations[HOOK] == "test"
        assert annotations[f"{HOOK}-delete-policy"] == "before-hook-creation,hook-succeeded,hook-failed"
        assert (thing["kind"] == "Pod") is (annotations[f"{HOOK}-weight"] == "0")
        assert thing["metadata"]["namespace"] == NAMESPACE


@each_file
def test_the_pod_fits_the_restricted_pod_security_standard(values: Path, helm: str) -> None:
    found = rendered(helm, values)
    (pod,) = found.of_kind("Pod")
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    context = container(found)["securityContext"]
    assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert "volumes" not in pod["spec"]


def test_it_may_try_a_creation_and_find_the_pods_and_no_more(helm: str) -> None:
    found = rendered(helm, VALUES / "default.yaml")
    account = "nginx-operator-check"
    assert rights(found, account) == {
        (NAMESPACE, f"{names.GROUP}/nginxes", ""): {"create"},
        (NAMESPACE, "/pods", ""): {"list"},
    }
    (pod,) = found.of_kind("Pod")
    assert pod["spec"]["serviceAccountName"] == account


@pytest.mark.parametrize(("file", "admission"), [("default", True), ("without-webhooks", False)])
def test_it_asks_the_webhooks_where_there_are_some(file: str, admission: bool, helm: str) -> None:
    found = rendered(helm, VALUES / f"{file}.yaml")
    assert ("--no-admission" not in container(found)["args"]) is admission


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_it_knows_whether_network_policies_may_be_in_its_way(enabled: str, helm: str) -> None:
    found = rendered(helm, VALUES / "default.yaml", "--set", f"networkPolicy.enabled={enabled}")
    assert ("--network-policies" in container(found)["args"]) is (enabled == "true")


def test_it_runs_where_the_operator_does_from_the_same_image(helm: str) -> None:
    found = rendered(helm, VALUES / "everything.yaml")
    operator = Rendering(
        run(helm, "template", RELEASE, str(CHART), "-n", NAMESPACE, KUBE_VERSION, "-f", str(VALUES / "everything.yaml"))
    ).pod("edge")
    (pod,) = found.of_kind("Pod")
    for field in ("imagePullSecrets", "nodeSelector", "tolerations"):
        assert pod["spec"][field] == operator["spec"][field]
    assert container(found)["image"] == operator["spec"]["containers"][0]["image"]


@each_file
def test_it_looks_at_the_pods_of_the_release(values: Path, helm: str) -> None:
    (selector,) = (arg for arg in container(rendered(helm, values))["args"] if arg.startswith("--pods="))
    wanted = dict(term.split("=") for term in selector.removeprefix("--pods=").split(","))
    everything = Rendering(
        run(
            helm,
            "template",
            RELEASE,
            str(CHART),
            "-n",
            NAMESPACE,
            KUBE_VERSION,
            CERT_MANAGER,
            MONITORING,
            "-f",
            str(values),
        )
    )
    for deployment in everything.of_kind("Deployment"):
        assert wanted.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


@each_file
def test_the_command_understands_its_arguments(values: Path, helm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[check.Options] = []

    def note(options: check.Options) -> int:
        asked.append(options)
        return 7

    monkeypatch.setattr(check, "main", note)
    with pytest.raises(SystemExit) as ended:
        main(container(rendered(helm, values))["args"])
    assert ended.value.code == 7
    assert [options.namespace for options in asked] == [NAMESPACE]


@pytest.mark.parametrize(("create", "kinds"), [("true", ["Role", "RoleBinding"]), ("false", [])])
def test_the_account_has_rights_where_the_chart_makes_some(create: str, kinds: list[str], helm: str) -> None:
    found = rendered(helm, VALUES / "default.yaml", "--set", f"rbac.create={create}")
    assert [thing["kind"] for thing in found.objects] == ["ServiceAccount", *kinds, "Pod"]
