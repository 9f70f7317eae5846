"""One release of the chart on a real node."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Literal

from testbed import Bed
from testbed.images import CHART
from testbed.waiting import PATIENCE, until

NAME, NAMESPACE = "nginx-operator", "nginx-operator-system"
CRD = "nginxes.proxy.example.com"
Helm = Literal[3, 4]
#: A loaded machine may stall for seconds, and these tests are not about time-outs.
PATIENT = ("--set", "operator.extraArgs={--lease-duration=120}", "--set", "webhooks.timeoutSeconds=30")


@dataclass
class Release:
    """Installs, changes and inspects the release, as a platform engineer does."""

    bed: Bed

    def make_namespace(self) -> None:
        """A namespace that enforces PodSecurity `restricted`, unless it is there."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
        self.bed.kubectl("apply", "-f", "-", input=json.dumps(manifest))

    def install(self, helm: Helm = 4, *options: str, chart: Path = CHART) -> None:
        """`helm install --wait` into a namespace that enforces PodSecurity `restricted`."""
        self.make_namespace()
        self._helm(helm, "install", str(chart), *PATIENT, *options)

    def upgrade(self, helm: Helm = 4, *options: str, chart: Path = CHART) -> None:
        """`helm upgrade --wait`."""
        self._helm(helm, "upgrade", str(chart), *PATIENT, *options)

    def roll_back(self, helm: Helm, revision: int) -> None:
        """`helm rollback --wait`."""
        self._helm(helm, "rollback", str(revision))

    def uninstall(self, helm: Helm = 4) -> None:
        """`helm uninstall --wait`."""
        self.bed.helm("uninstall", NAME, "-n", NAMESPACE, "--wait", version=helm)

    def remove_definition(self) -> None:
        """Deletes the CRD, which an uninstall keeps."""
        self.bed.kubectl("delete", "crd", CRD, "--ignore-not-found")

    def remove_namespace(self) -> None:
        """Deletes the namespace and waits for its end, which takes as long as its pods drain."""
        self.bed.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")

    def test(self, helm: Helm = 4) -> tuple[int, str]:
        """`helm test`: its exit code, and all that it wrote."""
        done = self.bed.helm("test", NAME, "-n", NAMESPACE, "--timeout=3m", version=helm, check=False)
        return done.returncode, f"{done.stdout}\n{done.stderr}"

    def kubectl(self, *arguments: str) -> CompletedProcess[str]:
        """kubectl in the release's namespace."""
        return self.bed.kubectl("-n", NAMESPACE, *arguments)

    def pods(self, component: str) -> list[dict[str, Any]]:
        """The pods of a component that are not being deleted."""
        listing = self.kubectl("get", "pods", "-l", f"app.kubernetes.io/component={component}", "-o", "json")
        return [pod for pod in json.loads(listing.stdout)["items"] if "deletionTimestamp" not in pod["metadata"]]

    def ready(self, component: str) -> list[dict[str, Any]]:
        """Those of them that are ready."""
        return [pod for pod in self.pods(component) if _is_ready(pod)]

    def replace_pods(self, component: str) -> None:
        """Deletes a component's pods and waits until others are ready in their stead."""
        before = self.pods(component)
        old = {pod["metadata"]["uid"] for pod in before}
        self.kubectl("delete", "pods", "-l", f"app.kubernetes.io/component={component}", "--wait=false")

        def replaced() -> bool:
            return len([pod for pod in self.ready(component) if pod["metadata"]["uid"] not in old]) == len(before)

        until(replaced, seconds=PATIENCE, what=f"new pods of {component}")

    def _helm(self, helm: Helm, verb: str, *arguments: str) -> None:
        command = [verb, NAME, *arguments, "-n", NAMESPACE, "--wait", "--timeout=10m"]
        done = self.bed.helm(*command, version=helm, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{self.describe()}"

    def describe(self) -> str:
        """Pods, events and logs, for the message of a failure."""
        texts: Sequence[str] = [
            self.kubectl("get", "pods,events").stdout,
            *(
                self.bed.kubectl(
                    "-n", NAMESPACE, "logs", "--tail=30", "-l", f"app.kubernetes.io/component={name}", check=False
                ).stdout
                for name in ("operator", "webhooks")
            ),
        ]
        return "\n".join(texts)


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
