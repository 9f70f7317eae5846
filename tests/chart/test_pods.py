"""The pods: how they are secured, found, probed, replaced, and what restarts them."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from nginx_webhooks import settings
from tests.support.rendering import CHART, NAMESPACE, RELEASE, VALUES, Object, Render, Rendering, template

FILES = sorted(VALUES.glob("*.yaml"))
each_file = pytest.mark.parametrize("values", FILES, ids=lambda path: path.stem)
each_deployment = pytest.mark.parametrize("name", ["nginx-operator", "nginx-operator-webhooks"])


def container(pod: Object) -> dict[str, Any]:
    (found,) = pod["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def flags(pod: Object) -> dict[str, str]:
    """The arguments after the command word, by name."""
    return {name: value for name, _, value in (argument.partition("=") for argument in container(pod)["args"][1:])}


def probed_port(pod: Object, kind: str) -> int:
    """The number of the port whose name a probe gives."""
    ports = {port["name"]: port["containerPort"] for port in container(pod)["ports"]}
    found: int = ports[container(pod)[kind]["httpGet"]["port"]]
    return found


@each_file
def test_pods_fit_the_restricted_pod_security_standard(values: Path, render: Render) -> None:
    for deployment in render(values).of_kind("Deployment"):
        pod = deployment["spec"]["template"]
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container(pod)["securityContext"].get("privileged", False) is False
        assert container(pod)["securityContext"]["allowPrivilegeEscalation"] is False
        assert container(pod)["securityContext"]["readOnlyRootFilesystem"] is True
        assert container(pod)["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert not {"hostPID", "hostIPC"} & set(pod["spec"])
        assert "hostNetwork" not in pod["spec"] or values.stem == "host-network"
        kinds = {kind for volume in pod["spec"]["volumes"] for kind in set(volume) - {"name"}}
        assert kinds <= {"configMap", "emptyDir", "secret"}


@each_deployment
def test_pods_run_as_the_user_of_the_image(name: str, default: Rendering) -> None:
    assert default.pod(name)["spec"]["securityContext"]["runAsUser"] == 65532


def test_openshift_may_choose_the_user(everything: Rendering) -> None:
    assert set(everything.pod("edge")["spec"]["securityContext"]) == {"runAsNonRoot", "seccompProfile"}


@each_file
def test_a_selector_finds_its_own_pods_and_no_others(values: Path, render: Render) -> None:
    rendered = render(values)
    deployments = rendered.of_kind("Deployment")
    selectors = {d["metadata"]["name"]: d["spec"]["selector"]["matchLabels"] for d in deployments}
    for budget in rendered.of_kind("PodDisruptionBudget"):
        assert budget["spec"]["selector"]["matchLabels"] == selectors[budget["metadata"]["name"]]
    for service in rendered.of_kind("Service"):
        assert service["spec"]["selector"] == selectors[service["metadata"]["name"].removesuffix("-metrics")]

    for deployment in deployments:
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        found = [name for name, selector in selectors.items() if selector.items() <= labels.items()]
        assert found == [deployment["metadata"]["name"]]


@pytest.mark.parametrize(
    ("file", "name", "number"), [("default", "nginx-operator", 10250), ("everything", "edge", 9443)]
)
def test_the_service_leads_to_the_port_that_is_listened_on(file: str, name: str, number: int, render: Render) -> None:
    rendered = render(VALUES / f"{file}.yaml")
    (port,) = rendered.one("Service", f"{name}-webhooks")["spec"]["ports"]
    pod = rendered.pod(f"{name}-webhooks")
    (target,) = (p for p in container(pod)["ports"] if p["name"] == port["targetPort"])

    assert port["port"] == 443
    assert flags(pod)["--bind"] == f":{number}"
    assert target["containerPort"] == number


@pytest.mark.parametrize(
    ("file", "name", "flag", "port"),
    [
        ("default", "nginx-operator", "--metrics-bind", 8080),
        ("default", "nginx-operator-webhooks", "--health-bind", 8081),
        ("everything", "edge", "--metrics-bind", 9090),
        ("everything", "edge-webhooks", "--health-bind", 9081),
    ],
)
def test_probes_ask_the_port_that_is_listened_on(file: str, name: str, flag: str, port: int, render: Render) -> None:
    pod = render(VALUES / f"{file}.yaml").pod(name)
    host, _, listening = flags(pod)[flag].rpartition(":")

    assert host == ""  # every address, of IPv6 too
    assert probed_port(pod, "livenessProbe") == probed_port(pod, "readinessProbe") == int(listening) == port
    assert container(pod)["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container(pod)["readinessProbe"]["httpGet"]["path"] == "/readyz"


@each_file
def test_the_policy_file_is_a_key_of_the_mounted_config_map(values: Path, render: Render) -> None:
    rendered = render(values)
    for deployment in rendered.of_kind("Deployment"):
        pod = deployment["spec"]["template"]
        volume, mount = pod["spec"]["volumes"][0], container(pod)["volumeMounts"][0]
        policy = Path(flags(pod)["--policy-file"])

        assert mount == {"name": volume["name"], "mountPath": str(policy.parent), "readOnly": True}
        assert policy.name in rendered.one("ConfigMap", volume["configMap"]["name"])["data"]


def test_the_webhooks_check_clients_by_the_mounted_secret(everything: Rendering, default: Rendering) -> None:
    pod = everything.pod("edge-webhooks")
    _, volume, _ = pod["spec"]["volumes"]
    _, mount, _ = container(pod)["volumeMounts"]
    assert volume == {
        "name": mount["name"],
        "secret": {"secretName": "apiserver-client-ca", "items": [{"key": "ca.crt", "path": "ca.crt"}]},
    }
    assert f"--client-ca-file={mount['mountPath']}/ca.crt" in container(pod)["args"]
    assert [argument for argument in container(pod)["args"] if argument.startswith("--client-name=")] == [
        "--client-name=kube-apiserver",
        "--client-name=apiserver.example.net",
    ]
    assert "client-ca" not in {volume["name"] for volume in everything.pod("edge")["spec"]["volumes"]}
    assert "--client" not in default.text


def test_one_release_of_several_tells_its_pods_which_it_is(everything: Rendering, default: Rendering) -> None:
    for name in ("edge", "edge-webhooks"):
        assert f"--release={NAMESPACE}/{RELEASE}" in container(everything.pod(name))["args"]
    assert "--release=" not in default.text


def test_volumes_of_the_user_are_mounted_beside_those_of_the_chart(everything: Rendering) -> None:
    for name, volume, path in (("edge", "authorities", "/etc/ssl/certs"), ("edge-webhooks", "scratch", "/tmp")):
        pod = everything.pod(name)
        assert pod["spec"]["volumes"][-1]["name"] == volume
        assert container(pod)["volumeMounts"][-1]["mountPath"] == path
        assert pod["spec"]["volumes"][0]["name"] == container(pod)["volumeMounts"][0]["name"] == "policy"


@each_file
def test_the_webhooks_understand_their_arguments(values: Path, render: Render) -> None:
    for deployment in render(values).of_kind("Deployment"):
        if deployment["metadata"]["name"].endswith("-webhooks"):
            assert settings.parse(container(deployment["spec"]["template"])["args"], {})


@pytest.mark.parametrize("mode", ["auto", "certManager"])
def test_rotate_finds_the_secret_by_the_environment(mode: str, render: Render) -> None:
    pod = render({"webhooks": {"certs": {"mode": mode}}}).pod("nginx-operator-webhooks")
    told = {found["name"]: found.get("value") for found in container(pod)["env"]}

    assert told.get("CA_SECRET") == ("nginx-operator-ca" if mode == "auto" else None)
    assert "CA_SECRET" not in str(render({}).pod("nginx-operator"))


@each_file
def test_pods_run_under_accounts_that_exist(values: Path, render: Render) -> None:
    rendered = render(values)
    accounts = {account["metadata"]["name"]: account for account in rendered.of_kind("ServiceAccount")}
    for deployment in rendered.of_kind("Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        account = accounts.pop(spec["serviceAccountName"], {})

        assert spec["automountServiceAccountToken"] is True
        assert account.get("automountServiceAccountToken", spec["serviceAccountName"] != "given") is False
    assert not accounts


def test_accounts_have_the_names_and_annotations_that_are_wanted(everything: Rendering) -> None:
    for name in ("reconciler", "admission"):
        annotations = everything.one("ServiceAccount", name)["metadata"]["annotations"]
        assert annotations["example.com/identity"] == name


def test_the_webhooks_are_told_the_names_of_what_they_keep(everything: Rendering) -> None:
    told = flags(everything.pod("edge-webhooks"))

    assert everything.one("Secret", told["--secret"])["metadata"]["namespace"] == told["--secret-namespace"]
    assert everything.one("Service", told["--service"])
    assert everything.one("MutatingWebhookConfiguration", told["--mutating-configuration"])
    assert everything.one("ValidatingWebhookConfiguration", told["--validating-configuration"])


@pytest.mark.parametrize(
    ("values", "probes"),
    [
        ({}, True),
        ({"webhooks": {"enabled": False}}, False),
        ({"operator": {"admissionProbe": False}}, False),
    ],
)
def test_the_operator_asks_for_webhooks_only_where_there_are_some(
    values: dict[str, Any], probes: bool, render: Render
) -> None:
    told = flags(render(values).pod("nginx-operator"))

    assert ("--admission-probe" in told) is probes
    assert ("--no-admission-probe" in told) is not probes
    assert ("--admission-probe-namespace" in told) is probes


@each_file
def test_the_operator_always_holds_a_lease(values: Path, render: Render) -> None:
    for deployment in render(values).of_kind("Deployment"):
        assert "--no-leader-election" not in container(deployment["spec"]["template"])["args"]


@each_file
def test_a_pod_goes_only_after_another_is_ready(values: Path, render: Render) -> None:
    for deployment in render(values).of_kind("Deployment"):
        # Where each pod takes a node's port, there may be no node for one more.
        first = values.stem == "host-network" and deployment["metadata"]["name"].endswith("-webhooks")
        wanted = {"maxSurge": 0, "maxUnavailable": 1} if first else {"maxSurge": 1, "maxUnavailable": 0}
        assert deployment["spec"]["strategy"] == {"rollingUpdate": wanted}


@pytest.mark.parametrize(
    ("values", "host", "dns"),
    [
        ({}, None, None),
        ({"dnsPolicy": "Default"}, None, "Default"),
        ({"hostNetwork": True, "port": 20250}, True, "ClusterFirstWithHostNet"),
        ({"hostNetwork": True, "port": 20250, "dnsPolicy": "Default"}, True, "Default"),
    ],
)
def test_the_webhooks_may_use_the_network_of_their_nodes(
    values: dict[str, Any], host: bool | None, dns: str | None, render: Render
) -> None:
    rendered = render({"webhooks": values})
    spec = rendered.pod("nginx-operator-webhooks")["spec"]
    assert (spec.get("hostNetwork"), spec.get("dnsPolicy")) == (host, dns)
    assert "hostNetwork" not in rendered.pod("nginx-operator")["spec"]


def test_the_only_pod_in_the_network_of_a_node_is_replaced_after_another_is_ready(render: Render) -> None:
    rendered = render({"webhooks": {"hostNetwork": True, "port": 20250, "replicas": 1}})
    strategy = rendered.one("Deployment", "nginx-operator-webhooks")["spec"]["strategy"]
    assert strategy == {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_a_webhook_pod_serves_on_while_the_service_forgets_it(default: Rendering) -> None:
    pod = default.pod("nginx-operator-webhooks")

    assert container(pod)["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert pod["spec"]["terminationGracePeriodSeconds"] == 30


def test_a_sleep_of_no_seconds_is_left_out(render: Render) -> None:
    assert "lifecycle" not in container(render(VALUES / "single-replica.yaml").pod("nginx-operator-webhooks"))


@pytest.mark.parametrize(("operators", "webhooks"), [(1, 1), (1, 2), (2, 1), (3, 3)])
def test_a_disruption_budget_needs_a_second_pod(operators: int, webhooks: int, render: Render) -> None:
    rendered = render({"operator": {"replicas": operators}, "webhooks": {"replicas": webhooks}})
    budgets = {found["metadata"]["name"]: found["spec"] for found in rendered.of_kind("PodDisruptionBudget")}

    assert ("nginx-operator" in budgets, "nginx-operator-webhooks" in budgets) == (operators > 1, webhooks > 1)
    for budget in budgets.values():
        assert budget["maxUnavailable"] == 1
        assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@each_deployment
def test_pods_are_spread_softly_over_nodes(name: str, default: Rendering) -> None:
    (constraint,) = default.pod(name)["spec"]["topologySpreadConstraints"]

    assert constraint["topologyKey"] == "kubernetes.io/hostname"
    assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
    assert constraint["labelSelector"] == default.one("Deployment", name)["spec"]["selector"]


def test_a_selector_of_the_user_stays(everything: Rendering) -> None:
    (constraint,) = everything.pod("edge-webhooks")["spec"]["topologySpreadConstraints"]

    assert constraint["labelSelector"] == {"matchLabels": {"example.com/tier": "admission"}}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, "registry.example.com/nginx-operator:0.1.0"),
        ({"registry": "localhost:5000/"}, "localhost:5000/nginx-operator:0.1.0"),
        ({"registry": "quay.io/me"}, "quay.io/me/nginx-operator:0.1.0"),
        ({"registry": ""}, "nginx-operator:0.1.0"),
        ({"repository": "tools/nginx-operator"}, "registry.example.com/tools/nginx-operator:0.1.0"),
        ({"repository": "quay.io/me/nginx-operator"}, "quay.io/me/nginx-operator:0.1.0"),
        ({"repository": "registry:5000/nginx-operator"}, "registry:5000/nginx-operator:0.1.0"),
        ({"repository": "localhost/nginx-operator"}, "localhost/nginx-operator:0.1.0"),
        ({"tag": "1"}, "registry.example.com/nginx-operator:1"),
        ({"tag": "1", "digest": f"sha256:{'a' * 64}"}, f"registry.example.com/nginx-operator@sha256:{'a' * 64}"),
    ],
)
@each_deployment
def test_the_image(name: str, image: dict[str, str], expected: str, render: Render) -> None:
    assert container(render({"image": image}).pod(name))["image"] == expected


@each_deployment
def test_an_umbrella_chart_names_the_registry_and_who_logs_in_there(name: str, render: Render) -> None:
    pod = render(VALUES / "umbrella.yaml").pod(name)
    assert container(pod)["image"] == "mirror.example.net/nginx-operator:0.1.0"
    found = [secret["name"] for secret in pod["spec"]["imagePullSecrets"]]
    assert found == ["mirror-login", "registry-login", "own-login"]


def test_a_repository_that_names_its_registry_stands_alone(render: Render) -> None:
    values = {"global": {"imageRegistry": "mirror.example.net"}, "image": {"repository": "quay.io/me/nginx-operator"}}
    assert container(render(values).pod("nginx-operator"))["image"] == "quay.io/me/nginx-operator:0.1.0"


@each_deployment
def test_a_new_version_changes_nothing_of_a_pod_but_its_image(
    name: str, helm: str, default: Rendering, tmp_path: Path
) -> None:
    chart = tmp_path / "nginx-operator"
    shutil.copytree(CHART, chart)
    file = chart / "Chart.yaml"
    text, versions = re.subn(r"^(version|appVersion): .+$", r"\1: 7.7.7", file.read_text("utf-8"), flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8")
    assert versions == 2

    before, after = default.pod(name), template(helm, {}, chart=chart).pod(name)

    assert container(after).pop("image") == "registry.example.com/nginx-operator:7.7.7"
    assert after == before | {
        "spec": before["spec"]
        | {"containers": [{key: value for key, value in container(before).items() if key != "image"}]}
    }


@each_deployment
@pytest.mark.parametrize(
    "values",
    [
        {"webhooks": {"policy": {"maxCount": 7}}},
        {"nginx": {"image": "mirror.example.net/nginx:1"}},
        {"commonLabels": {"team": "web"}, "commonAnnotations": {"contact": "web"}},
        {"monitoring": {"serviceMonitor": {"enabled": True}, "dashboard": {"enabled": True}}},
        {"webhooks": {"failurePolicy": "Ignore", "timeoutSeconds": 9, "replicas": 5}},
    ],
)
def test_what_is_no_argument_restarts_no_pod(
    name: str, values: dict[str, Any], default: Rendering, render: Render
) -> None:
    assert render(values).pod(name) == default.pod(name)
