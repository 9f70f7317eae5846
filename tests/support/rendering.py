"""Runs Helm on the chart and reads what it renders."""

import copy
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "nginx-operator"
VALUES = ROOT / "tests/chart/values"
RELEASE = "nginx-operator"
NAMESPACE = "nginx-operator-system"
#: A Helm built from its Go module has no version of its own to assume.
KUBE_VERSION = "--kube-version=1.37.2"
#: What a cluster with cert-manager, or with the Prometheus operator, says of itself.
CERT_MANAGER = "--api-versions=cert-manager.io/v1"
MONITORING = "--api-versions=monitoring.coreos.com/v1"
#: Leaves out what only `helm test` creates.
INSTALLED = "--skip-tests"

Object = dict[str, Any]
#: Renders the chart: (values, *further arguments of helm template).
Render = Callable[..., "Rendering"]


class HelmError(Exception):
    """Helm refused; the text is what it wrote on stderr."""


@dataclass(frozen=True)
class Rendering:
    """What `helm template` wrote."""

    text: str

    @cached_property
    def objects(self) -> list[Object]:
        """All objects, in Helm's order."""
        return [document for document in yaml.load_all(self.text, Loader=yaml.CSafeLoader) if document]

    @cached_property
    def own(self) -> list[Object]:
        """All objects but those of extraObjects."""
        documents = [part for part in self.text.split("---\n") if "/templates/extra.yaml\n" not in part]
        return [document for part in documents if (document := yaml.load(part, Loader=yaml.CSafeLoader))]

    def of_kind(self, kind: str) -> list[Object]:
        """Copies of all objects of a kind."""
        return [copy.deepcopy(found) for found in self.objects if found["kind"] == kind]

    def one(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """The only object of that kind and name, in one namespace ("" is none) or in any."""
        (found,) = (
            candidate
            for candidate in self.of_kind(kind)
            if candidate["metadata"]["name"] == name and namespace in (None, candidate["metadata"].get("namespace", ""))
        )
        return found

    def pod(self, deployment: str) -> Object:
        """The pod template of a Deployment."""
        template: Object = self.one("Deployment", deployment)["spec"]["template"]
        return template

    @property
    def without_copies(self) -> str:
        """The text without the CustomResourceDefinition and the dashboard, which have sources to be compared with."""
        copies = ("/templates/crds/nginxes.yaml\n", "/templates/monitoring/dashboard.yaml\n")
        documents = self.text.split("---\n")
        return "---\n".join(part for part in documents if not any(source in part for source in copies))


def helm(program: str, *arguments: str, stdin: str | None = None) -> str:
    """Runs Helm; its stdout.

    Raises:
        HelmError: it ended with another code than 0.
    """
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HelmError(done.stderr + done.stdout)
    return done.stdout


def template(
    program: str, values: Mapping[str, Any] | Path, *arguments: str, chart: Path = CHART, namespace: str = NAMESPACE
) -> Rendering:
    """`helm template` with values of a file or of a mapping: what an install creates."""
    command = ["template", RELEASE, str(chart), "--namespace", namespace, KUBE_VERSION, CERT_MANAGER, MONITORING]
    command.append(INSTALLED)
    command += arguments
    if isinstance(values, Path):
        return Rendering(helm(program, *command, "--values", str(values)))
    return Rendering(helm(program, *command, "--values", "-", stdin=yaml.safe_dump(dict(values))))


def leaves(schema: Mapping[str, Any], values: Mapping[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all values that the chart defines. A free-form value, such as a map of labels, is one value."""
    for key, value in values.items():
        inner = schema.get("properties", {}).get(key, {})
        if isinstance(value, dict) and "properties" in inner:
            yield from leaves(inner, value, (*at, key))
        else:
            yield (*at, key)


def get(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value at a path.

    Raises:
        KeyError: there is none.
    """
    found: Any = values
    for key in path:
        found = found[key]
    return found


def load(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping."""
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return loaded
