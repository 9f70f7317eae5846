"""Helm refuses wrong values before it renders, and says where."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.rendering import HelmError, Render


def nested(path: str, value: Any) -> dict[str, Any]:
    """{"a": {"b": value}} of "a.b"."""
    for key in reversed(path.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("nameOverride", "Upper"),
        ("fullnameOverride", "a" * 55),
        ("commonLabels", {"team": 1}),
        ("image.tag", "not a tag"),
        ("image.tag", 1.1),
        ("image.digest", "sha256:abc"),
        ("image.pullPolicy", "Sometimes"),
        ("image.repository", ""),
        ("nginx.image", "with blank"),
        ("log.format", "xml"),
        ("log.level", "trace"),
        ("crds.keep", "true"),
        ("rbac.create", 1),
        ("operator.replicas", -1),
        ("operator.replicas", "1"),
        ("operator.extraArgs", "--workers=8"),
        ("operator.podAnnotations", {"a": True}),
        ("operator.resources", "100m"),
        ("webhooks.enabled", "yes"),
        ("webhooks.replicas", 0),
        ("webhooks.policy.minCount", -1),
        ("webhooks.policy.maxCount", 100_001),
        ("webhooks.policy.maxCount", 1.5),
        ("webhooks.policy.defaultCount", "1"),
        ("webhooks.failurePolicy", "Warn"),
        ("webhooks.timeoutSeconds", 0),
        ("webhooks.timeoutSeconds", 31),
        ("webhooks.preStopSleepSeconds", -1),
        ("webhooks.tolerations", {}),
    ],
)
def test_a_wrong_value_is_refused_by_its_path(path: str, value: Any, render: Render) -> None:
    with pytest.raises(HelmError, match=f"at '/{path.replace('.', '/')}['/]"):
        render(nested(path, value))


@pytest.mark.parametrize(
    "path",
    [
        "replicas",
        "image.registry",
        "log.colour",
        "nginx.tag",
        "crds.install",
        "rbac.enabled",
        "operator.replicaCount",
        "operator.resources.request",
        "webhooks.port",
        "webhooks.policy.maximum",
        "webhooks.namespaceSelector.labels",
    ],
)
def test_an_unknown_key_is_refused_by_its_path(path: str, render: Render) -> None:
    *parents, key = path.split(".")

    with pytest.raises(HelmError) as refused:
        render(nested(path, {}))
    assert f"at '{''.join(f'/{parent}' for parent in parents)}'" in str(refused.value)
    assert f"additional properties '{key}' not allowed" in str(refused.value)


@pytest.mark.parametrize("path", ["image.repository", "nginx.image", "webhooks.policy.maxCount", "operator.replicas"])
def test_a_value_that_is_needed_cannot_be_taken_away(path: str, render: Render) -> None:
    with pytest.raises(HelmError, match=f"missing property '{path.rpartition('.')[2]}'"):
        render(nested(path, None))


def optional() -> Iterator[str]:
    for component in ("operator", "webhooks"):
        yield from (f"{component}.{key}" for key in ("resources", "podLabels", "tolerations", "affinity", "extraArgs"))
    yield from ("imagePullSecrets", "commonLabels", "podSecurityContext", "securityContext", "crds.annotations")
    yield from ("webhooks.namespaceSelector", "operator.topologySpreadConstraints", "image.tag", "image.digest")


@pytest.mark.parametrize("path", optional())
def test_a_value_that_is_not_needed_can_be_taken_away(path: str, render: Render) -> None:
    assert "null" not in render(nested(path, None)).without_crd


@pytest.mark.parametrize("values", [{"global": {"imageRegistry": "x", "any": [1]}}, {"enabled": True}])
def test_an_umbrella_chart_may_add_its_own(values: dict[str, Any], render: Render) -> None:
    assert render(values).text == render({}).text
