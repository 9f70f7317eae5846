"""As a part of another chart: its global values, its condition, and nothing else of it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import rendering
from tests.support.rendering import CHART, KUBE_VERSION, NAMESPACE, Rendering

PARENT = {
    "apiVersion": "v2",
    "name": "platform",
    "version": "1.0.0",
    "dependencies": [{"name": CHART.name, "version": ">0.0.0-0", "condition": f"{CHART.name}.enabled"}],
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chart that has ours among its charts."""
    chart = tmp_path_factory.mktemp("umbrella") / "platform"
    shutil.copytree(CHART, chart / "charts" / CHART.name)
    (chart / "Chart.yaml").write_text(yaml.safe_dump(PARENT), encoding="utf-8")
    return chart


def rendered(program: str, platform: Path, values: dict[str, Any]) -> Rendering:
    command = ("template", "edge", str(platform), "--namespace", NAMESPACE, KUBE_VERSION, "--values", "-")
    return Rendering(rendering.helm(program, *command, stdin=yaml.safe_dump(values)))


@pytest.mark.parametrize("program", ["helm", "helm3"])
def test_an_umbrella_chart_shares_what_is_global(program: str, platform: Path, request: pytest.FixtureRequest) -> None:
    values = {
        "global": {"imageRegistry": "mirror.example.net", "imagePullSecrets": ["login"], "storageClass": "fast"},
        CHART.name: {"enabled": True, "operator": {"replicas": 2}},
        "database": {"enabled": False},
    }
    found = rendered(request.getfixturevalue(program), platform, values)
    operator = found.one("Deployment", "edge-nginx-operator")
    assert operator["spec"]["replicas"] == 2
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("mirror.example.net/nginx-operator:")
    assert operator["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "login"}]


def test_an_umbrella_chart_may_do_without(platform: Path, helm: str) -> None:
    assert rendered(helm, platform, {}).objects
    assert not rendered(helm, platform, {CHART.name: {"enabled": False}}).objects


def test_a_mistake_is_refused_with_the_name_of_our_chart(platform: Path, helm: str) -> None:
    with pytest.raises(rendering.HelmError, match=r"nginx-operator:\n(.*\n)*.*additional properties 'replicas'"):
        rendered(helm, platform, {CHART.name: {"replicas": 2}})
