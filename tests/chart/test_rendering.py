"""What is rendered: golden files, the same bytes each time, the same by both versions of Helm.

Of most files of values the golden file is the difference that they make to the default rendering, object by object.
`UPDATE_GOLDEN=1 make chart PYTEST_ARGS='-k golden'` renews the golden files; read the change before you commit it.
"""

import os
import re
import tomllib
from collections.abc import Iterator
from difflib import unified_diff
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from tests.support import rendering
from tests.support.differences import between
from tests.support.rendering import (
    CHART,
    MONITORING,
    NAMESPACE,
    RELEASE,
    ROOT,
    VALUES,
    Object,
    Render,
    Rendering,
    load,
    template,
)

GOLDEN = Path(__file__).parent / "golden"
#: Files of values whose golden file is the whole rendering.
WHOLE = {"default", "everything"}
RENEW = "If the change is wanted: UPDATE_GOLDEN=1 make chart PYTEST_ARGS='-k golden', and read it before you commit it."
FILES = sorted(VALUES.glob("*.yaml"))
each_file = pytest.mark.parametrize("values", FILES, ids=lambda path: path.stem)


def identity(found: Object) -> tuple[str, str, str]:
    return found["kind"], found["metadata"].get("namespace", ""), found["metadata"]["name"]


def golden(values: Path) -> Path:
    """The golden file of a file of values: the whole rendering, or how it differs from the default one."""
    return GOLDEN / (values.name if values.stem in WHOLE else f"{values.stem}.diff")


@each_file
def test_the_rendering_is_the_golden_file(values: Path, render: Render, default: Rendering) -> None:
    file = golden(values)
    found = render(values).without_copies
    if values.stem not in WHOLE:
        found = between(default.without_copies, found)
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(found, encoding="utf-8")

    expected = file.read_text(encoding="utf-8") if file.exists() else ""
    if found != expected:
        changes = unified_diff(expected.splitlines(), found.splitlines(), "golden", "rendered", n=5, lineterm="")
        pytest.fail("\n".join([f"{file.relative_to(ROOT)} is out of date:", *changes, "", RENEW]), pytrace=False)


def test_every_golden_file_has_its_values() -> None:
    assert sorted(GOLDEN.iterdir()) == sorted(map(golden, FILES))


@each_file
def test_two_renderings_are_the_same_bytes(values: Path, helm: str, render: Render) -> None:
    assert template(helm, values).text == render(values).text


@each_file
def test_helm_3_renders_the_same_objects(values: Path, helm3: str, render: Render) -> None:
    by_helm_3 = sorted(template(helm3, values).objects, key=identity)

    assert by_helm_3 == sorted(render(values).objects, key=identity)


@each_file
@pytest.mark.parametrize("program", ["helm", "helm3"])
def test_lint_finds_nothing(values: Path, program: str, request: pytest.FixtureRequest) -> None:
    found = rendering.helm(
        request.getfixturevalue(program),
        "lint",
        "--strict",
        "--namespace",
        NAMESPACE,
        rendering.KUBE_VERSION,
        "--values",
        str(values),
        str(CHART),
    )

    assert "[ERROR]" not in found
    assert "[WARNING]" not in found


@each_file
def test_no_two_objects_are_the_same(values: Path, render: Render) -> None:
    names = [identity(found) for found in render(values).objects]

    assert len(names) == len(set(names))


@each_file
def test_there_is_no_hook_and_no_certificate(values: Path, render: Render) -> None:
    rendered = render(values)

    assert "helm.sh/hook" not in rendered.text
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        for configuration in rendered.of_kind(kind):
            assert all(set(entry["clientConfig"]) == {"service"} for entry in configuration["webhooks"])
    for secret in rendered.of_kind("Secret"):
        assert set(secret) == {"apiVersion", "kind", "metadata", "type"}
        assert secret["type"] == "Opaque"


def test_the_names_that_others_rely_on(default: Rendering) -> None:
    expected = {
        ("Deployment", NAMESPACE, "nginx-operator"),
        ("Deployment", NAMESPACE, "nginx-operator-webhooks"),
        ("Service", NAMESPACE, "nginx-operator-webhooks"),
        ("ServiceAccount", NAMESPACE, "nginx-operator"),
        ("ServiceAccount", NAMESPACE, "nginx-operator-webhooks"),
        ("Secret", NAMESPACE, "nginx-operator-ca"),
        ("ConfigMap", NAMESPACE, "nginx-operator-policy"),
        ("PodDisruptionBudget", NAMESPACE, "nginx-operator-webhooks"),
        ("MutatingWebhookConfiguration", "", "nginx-operator"),
        ("ValidatingWebhookConfiguration", "", "nginx-operator"),
        ("CustomResourceDefinition", "", "nginxes.proxy.example.com"),
    }

    assert expected <= {identity(found) for found in default.objects}


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("nginx-operator", "nginx-operator"),
        ("edge", "edge-nginx-operator"),
        ("my-nginx-operator-2", "my-nginx-operator-2"),
        ("a" * 53, "a" * 53),
    ],
)
def test_names_follow_the_release_and_fit_a_dns_label(release: str, name: str, helm: str) -> None:
    command = ["template", release, str(CHART), "--namespace", NAMESPACE]
    rendered = Rendering(rendering.helm(helm, *command))

    (service,) = map(itemgetter("metadata"), rendered.of_kind("Service"))
    assert service["name"].removesuffix("-webhooks") == f"{name:.54}".removesuffix("-")
    monitored = Rendering(rendering.helm(helm, *command, MONITORING, "--set", "monitoring.serviceMonitor.enabled=true"))
    names = {service["metadata"]["name"] for service in monitored.of_kind("Service")}
    assert len(names) == 3
    assert max(map(len, names)) <= 63


@each_file
def test_namespaced_objects_are_in_the_namespace_of_the_release(values: Path, render: Render) -> None:
    cluster_scoped = {
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }

    watched = load(values).get("watchNamespaces", [])

    for found in render(values).objects:
        namespace = found["metadata"].get("namespace")
        if found["metadata"]["name"].endswith("-watch"):
            assert namespace in watched, identity(found)
        else:
            assert namespace == (None if found["kind"] in cluster_scoped else NAMESPACE), identity(found)


@each_file
def test_every_object_carries_the_standard_labels(values: Path, render: Render) -> None:
    chart = load(CHART / "Chart.yaml")
    for found in render(values).own:
        labels = found["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == RELEASE
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/version"] == chart["appVersion"]
        assert labels["helm.sh/chart"] == f"nginx-operator-{chart['version']}"
        assert labels["app.kubernetes.io/component"] != "ignored"


@each_file
def test_common_labels_and_annotations_are_on_every_object_and_on_no_pod(values: Path, helm: str) -> None:
    rendered = template(helm, values, "--set", "commonLabels.team=web,commonAnnotations.contact=web")
    for found in rendered.own:
        assert found["metadata"]["labels"]["team"] == "web", identity(found)
        assert found["metadata"]["annotations"]["contact"] == "web", identity(found)
    for deployment in rendered.of_kind("Deployment"):
        metadata = deployment["spec"]["template"]["metadata"]
        assert "team" not in metadata["labels"]
        assert "contact" not in metadata.get("annotations", {})


def test_the_chart_installs_the_version_of_this_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert load(CHART / "Chart.yaml")["appVersion"] == project["version"]


#: Valid names that YAML takes for a number or a boolean, wherever they are not quoted.
NUMERIC: dict[str, Any] = {
    **{"fullnameOverride": "true", "watchNamespaces": ["123"], "imagePullSecrets": [{"name": "1"}]},
    "operator": {"priorityClassName": "10", "serviceAccount": {"name": "456"}},
    "webhooks": {
        **{"priorityClassName": "10", "serviceAccount": {"name": "457"}},
        "clientCertificates": {"caSecret": "9", "allowedNames": ["true", "1"]},
        "policy": {"classes": [{"name": "1", "selector": {"key": "1", "operator": "In", "values": ["1"]}}]},
    },
}
CERTIFICATES = [
    {"mode": "auto"},
    {"mode": "existingSecret", "existingSecret": "8"},
    {"mode": "certManager", "issuerRef": {"name": "1", "kind": "2", "group": "3"}},
]
#: Keys of strings.
STRINGS = re.compile("name|namespace|kind|group|args|resourceNames|values|.*Name$")


def no_strings(found: Any, at: str = "", key: str = "") -> Iterator[str]:
    """Paths of what should be a string and is none."""
    if isinstance(found, dict):
        for inner, value in found.items():
            yield from no_strings(value, f"{at}/{inner}", inner)
    elif isinstance(found, list):
        for number, value in enumerate(found):
            yield from no_strings(value, f"{at}/{number}", key)
    elif not isinstance(found, str) and STRINGS.match(key):
        yield f"{at}: {found!r}"


@pytest.mark.parametrize("certificates", CERTIFICATES, ids=itemgetter("mode"))
@pytest.mark.parametrize("program", ["helm", "helm3"])
def test_a_name_of_digits_stays_a_string(
    program: str, certificates: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    values = {**NUMERIC, "webhooks": {**NUMERIC["webhooks"], "certs": certificates}}
    found = template(request.getfixturevalue(program), values, namespace="789")
    assert [path for thing in found.objects for path in no_strings(thing, thing["kind"])] == []
