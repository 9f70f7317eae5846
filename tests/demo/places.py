"""Where the demo runs: on the embedded cluster, or on kubectl's current context."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TextIO

from testbed import Bed, Progress, cache, debian, dockerfile, images, nginximages, tools
from testbed.beside import beside
from tests.demo.console import DemoError

RELEASE = "nginx-operator"
NAMESPACE = "nginx-operator-system"
CHART = "charts/nginx-operator"
OWN_NAMESPACE = "nginx-operator-demo"


def install_words(verb: str, *values: str) -> list[str]:
    """The Helm command; `values` are `key=value` of --set."""
    words = ["helm", verb, RELEASE, CHART, "-n", NAMESPACE]
    words += ["--create-namespace"] if verb == "install" else []
    words += ["--wait", "--timeout=5m"]
    for value in values:
        words += ["--set", value]
    return words


def proxied(namespace: str, service: str) -> list[str]:
    """The command that fetches / by way of the API server: the one way from outside that every cluster has."""
    return ["kubectl", "get", "--raw", f"/api/v1/namespaces/{namespace}/services/{service}:http/proxy/"]


def image_tag(project: Path) -> str:
    """The tag of the image made from `project`: another one when a source changed, so that Helm rolls what runs."""
    sources = dockerfile.sources(project, (project / "Dockerfile").read_text(encoding="utf-8"))
    return f"{images.app_version()}-{cache.key_of_files(project, sources)[:8]}"


class Place(Protocol):
    """A cluster, and the way to it.

    Attributes:
        namespace: where the demo's own objects go.
        namespace_is_ours: whether the demo makes that namespace, and names it in each command.
    """

    namespace: str
    namespace_is_ours: bool

    def prepare(self, stream: TextIO) -> Mapping[str, str]:
        """Make it ready, telling progress to `stream`; the environment for its commands."""
        ...

    def install(self, status: str | None) -> list[list[str]]:
        """The commands that bring the release up to date; `status` is Helm's word for it, None when it is not there.

        Raises:
            DemoError: it is in a state that is for its owner to mend.
        """
        ...

    def page(self, address: str, service: str) -> tuple[list[str], str | None]:
        """The command that fetches / from the Service, and how a user types it where that differs."""
        ...

    def greeting(self) -> str:
        """What is said before the first command."""
        ...

    def farewell(self) -> str:
        """How a user goes on by hand, and takes everything down."""
        ...

    def help(self) -> str:
        """Where to look when the demo stopped; lines."""
        ...


class EmbeddedPlace:
    """A cluster of our own on this machine, made by the test bed."""

    namespace = "default"
    namespace_is_ours = False

    def __init__(self, bed: str) -> None:
        self._bed = Bed(bed, level="node")
        self._make = "make" if bed == "demo" else f"make BED={bed}"
        self._tag = ""

    def prepare(self, stream: TextIO) -> Mapping[str, str]:
        progress = Progress(stream)
        self._tag = image_tag(images.PROJECT)
        # Before the cluster boots: even an idle one slows the builds down. Images wait for downloads and for one
        # package after another, and programs for the processors.
        built = beside(lambda: self._programs(progress), lambda: self._images(progress), progress)
        self._bed.up(progress)
        for image in built:
            with progress.step(f"importing {', '.join(image.names)}"):
                self._bed.load_image(image.archive)
        # Nothing of this cluster is behind a proxy.
        return {k: v for k, v in self._bed.environment.items() if not k.lower().endswith("_proxy")}

    def _programs(self, progress: Progress) -> None:
        tools.programs(self._bed.level, self._bed.kwok_nodes, self._bed.kubernetes, progress)
        tools.folder(progress)

    def _images(self, progress: Progress) -> tuple[images.BuiltImage, ...]:
        built = nginximages.build(progress), images.operator(self._tag, progress)
        debian.provide(self._bed.level, progress)
        return built

    def install(self, status: str | None) -> list[list[str]]:
        value = f"image.tag={self._tag}"
        if status == "deployed":
            return [install_words("upgrade", value)]
        # Helm does not upgrade what never came up.
        remains = [["helm", "uninstall", RELEASE, "-n", NAMESPACE, "--wait"]] if status else []
        return [*remains, install_words("install", value)]

    def page(self, address: str, service: str) -> tuple[list[str], str | None]:
        if not shutil.which("curl"):
            return proxied(self.namespace, service), None
        fetch = ["curl", "--silent", "--show-error", "--include", f"http://{address}/"]
        return self._bed.command(fetch), f"{self._make} exec CMD='{' '.join(fetch)}'"

    def greeting(self) -> str:
        return (
            "\nThe cluster is up. From here on, each line with a $ is what you could type yourself, after\n"
            f"\n$ {self._exports()}"
        )

    def farewell(self) -> str:
        return f"""
{self._exports()}
                         kubectl and helm of this cluster in your own shell
kubectl get nginx        the Nginx of this demo; examples/ has more to apply
{self._make} shell               a shell in the cluster's network, where Service addresses answer
{self._make} exec CMD='...'      one command there
{self._make} down                take everything down"""

    def help(self) -> str:
        return (
            f"The cluster, if it is up, was left as it is for you to look at: {self._exports()}\n"
            f"To start again from nothing: {self._make} down demo\n"
        )

    def _exports(self) -> str:
        return f'export KUBECONFIG="$({self._make} kubeconfig)" PATH="$({self._make} tools):$PATH"'


class CurrentPlace:
    """The cluster of kubectl's current context. The demo's objects get a namespace of their own."""

    namespace = OWN_NAMESPACE
    namespace_is_ours = True

    def __init__(self, repository: str, tag: str) -> None:
        # The whole name, so that one without a host is Docker Hub's here as it is for docker.
        self._values = ["image.registry=", f"image.repository={repository}"] if repository else []
        self._values += [f"image.tag={tag}"] if tag else []
        self._release_is_ours = False

    def prepare(self, stream: TextIO) -> Mapping[str, str]:
        return os.environ

    def install(self, status: str | None) -> list[list[str]]:
        self._release_is_ours = status is None
        if status is None:
            return [install_words("install", *self._values)]
        if status != "deployed":
            raise DemoError(f"the release {RELEASE} is there and is {status}; mend or uninstall it, then try again")
        # What the release's owner has set stays, and without an image there is nothing to change.
        return [[*install_words("upgrade", *self._values), "--reset-then-reuse-values"]] if self._values else []

    def page(self, address: str, service: str) -> tuple[list[str], str | None]:
        return proxied(self.namespace, service), None

    def greeting(self) -> str:
        return "\nOn kubectl's current context. Each line with a $ is what you could type yourself."

    def farewell(self) -> str:
        steps = [
            f"kubectl get nginx -n {self.namespace}        the Nginx of this demo; examples/ has more to apply\n",
            "To remove it all again:",
            f"kubectl delete namespace {self.namespace}",
        ]
        if self._release_is_ours:
            steps += [
                f"helm uninstall {RELEASE} -n {NAMESPACE}",
                f"kubectl delete namespace {NAMESPACE}",
                "kubectl delete crd nginxes.proxy.example.com        (with every Nginx in the cluster)",
            ]
        return "\n" + "\n".join(steps)

    def help(self) -> str:
        return (
            "What is there was left for you to look at: "
            f"kubectl get pods -n {NAMESPACE}, kubectl get nginx -n {self.namespace}\n"
        )
