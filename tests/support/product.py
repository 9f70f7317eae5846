"""The product on a control plane without nodes: the chart installed, and its two programs run as processes.

They run inside the bed's network namespace with the tokens of the chart's ServiceAccounts, so RBAC, TLS and the
webhook configurations are the real ones. The chart's own pods never run: no node bears the label that they ask for.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from nginx_operator.kube.resources import DEPLOYMENTS
from testbed import Bed
from testbed.gobuild import OLDEST_KUBERNETES
from testbed.waiting import PATIENCE, until
from tests.support.policies import OWN_POLICY

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "nginx-operator"
RELEASE, NAMESPACE = "nginx-operator", "nginx-operator-system"
#: The bed's own address; the API server reaches webhooks there.
HOST = "192.0.2.1"
NO_PODS = ("--set", "operator.nodeSelector.nowhere=yes", "--set", "webhooks.nodeSelector.nowhere=yes")
#: The image that an Nginx runs by default.
IMAGE = "docker.io/nginxinc/nginx-unprivileged:1.30-alpine"
#: A loaded machine may stall for seconds.
PATIENT = ("--set", "webhooks.timeoutSeconds=30")


@dataclass
class Program:
    """The operator or the webhooks, running inside a bed.

    Attributes:
        name: for messages.
        log: file of its stdout and stderr.
        health: address of its health endpoints.
        spawn: starts its process, which appends to the log.
    """

    name: str
    bed: Bed
    process: subprocess.Popen[bytes]
    log: Path
    health: tuple[str, int]
    spawn: Callable[[], subprocess.Popen[bytes]]

    def start_again(self) -> None:
        """Restarts it after its end, and waits until it is ready."""
        assert self.process.poll() is not None
        self.process = self.spawn()
        self.wait_ready()

    def wait_ready(self, seconds: float = PATIENCE) -> None:
        """Waits for /readyz; fails at once if the process has ended."""

        def ready() -> bool:
            assert self.process.poll() is None, f"{self.name} ended:\n{self.text()}"
            return self.get("/readyz") == 200

        try:
            until(ready, seconds=seconds, what=f"{self.name} ready")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.text()}") from None

    def wait_log(self, words: str, seconds: float = PATIENCE) -> str:
        """Waits for a line with these words, and returns it."""
        try:
            return until(
                lambda: next((line for line in self.text().splitlines() if words in line), None),
                seconds=seconds,
                what=f"{words!r} in the log of {self.name}",
            )
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.text()}") from None

    def get(self, path: str) -> int:
        """HTTP status of a health endpoint, 0 when nothing answers."""
        return self.bed.status_of(self.health, path)

    def metrics(self) -> str:
        """The answer of /metrics."""
        return self.bed.read(self.health, "/metrics")

    def text(self) -> str:
        """The content of its log."""
        return self.log.read_text(errors="replace")

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 30) -> int:
        """Signals it and waits for its end. Returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(seconds)


@dataclass
class Product:
    """The chart on a bed, and the means to run its programs.

    Attributes:
        folder: for logs, kubeconfigs and what the kubelet would mount.
        release, namespace: of Helm. The release's name must have the chart's in it: all objects are named by it.
    """

    bed: Bed
    folder: Path
    release: str = RELEASE
    namespace: str = NAMESPACE
    _routed: set[int] = field(default_factory=set)

    def install(self, *options: str, helm: Literal[3, 4] = 4, chart: Path = CHART) -> None:
        """helm upgrade --install, without waiting for pods that will never run. The kubelet's part follows `policy`."""
        self.bed.helm(
            *("upgrade", "--install", self.release, str(chart), "-n", self.namespace, "--create-namespace"),
            *(*NO_PODS, *PATIENT, *OWN_POLICY, *options),
            version=helm,
        )

    def uninstall(self) -> None:
        """helm uninstall, and the CRD that it keeps."""
        self.bed.helm("uninstall", self.release, "-n", self.namespace, "--ignore-not-found")
        self.bed.kubectl("delete", "crd", "nginxes.proxy.example.com", "--ignore-not-found")

    def operator(
        self,
        *arguments: str,
        port: int = 18080,
        name: str = "operator",
        module: Sequence[str] = ("nginx_operator",),
        **options: str,
    ) -> Program:
        """Starts `nginx-operator run` with the rights of the chart's ServiceAccount."""
        command = [*module, "run", "--metrics-bind", self._bind(port), *self.policy(), *arguments]
        return self._start(name, command, self.kubeconfig(self.release), (self.bed.node_ip, port), options)

    def webhooks(
        self,
        *arguments: str,
        port: int = 19443,
        name: str = "webhooks",
        module: str = "nginx_webhooks",
        environ: Mapping[str, str] | None = None,
    ) -> Program:
        """Starts `nginx-webhooks serve` as the chart does, with its ServiceAccount's rights, behind its Service."""
        self._route(port)
        container = self._container("webhooks")
        command = [
            *(module, *container["args"], "--bind", self._bind(port)),
            *("--health-bind", self._bind(port + 1), *self.policy(), *arguments),
        ]
        health = self.bed.node_ip, port + 1
        return self._start(name, command, self.kubeconfig(f"{self.release}-webhooks"), health, environ or {})

    def rotate(self) -> "subprocess.CompletedProcess[str]":
        """Runs `nginx-webhooks rotate` as in a pod of the webhooks."""
        told = {found["name"]: found.get("value", "") for found in self._container("webhooks")["env"]}
        kubeconfig = str(self.kubeconfig(f"{self.release}-webhooks"))
        environment = {**os.environ, "KUBECONFIG": kubeconfig, "CA_SECRET": told["CA_SECRET"]}
        command = [sys.executable, "-m", "nginx_webhooks", "rotate", "--secret-namespace", self.namespace]
        done: subprocess.CompletedProcess[str] = self.bed.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True
        )
        return done

    def unroute(self) -> None:
        """Removes the processes from the Service's endpoints."""
        self.bed.kubectl(
            "delete", "endpointslice", "-n", self.namespace, "-l", f"kubernetes.io/service-name={self.release}-webhooks"
        )
        self._route_by_endpoints(())

    def _bind(self, port: int) -> str:
        """Where a program listens; where there is IPv6, at all addresses, as in the chart."""
        return f"{HOST}:{port}" if self.bed.families == "IPv4" else f":{port}"

    def _container(self, component: str) -> dict[str, Any]:
        """The container of a Deployment of the chart."""
        found = self.bed.get(DEPLOYMENTS.path(self.namespace, f"{self.release}-{component}"))
        assert found is not None
        (container,) = found["spec"]["template"]["spec"]["containers"]
        return dict(container)

    def policy(self) -> Sequence[str]:
        """The flag for the policy of the installed chart."""
        self.mount_policy()
        return ("--policy-file", str(self._mounted))

    def mount_policy(self) -> bool:
        """Updates the mounted policy, as the kubelet does for a ConfigMap. Returns whether it changed."""
        path = self._mounted
        before = path.read_text() if path.exists() else ""
        text = self.bed.kubectl(
            "get", "configmap", f"{self.release}-policy", "-n", self.namespace, "-o", r"jsonpath={.data.policy\.yaml}"
        ).stdout
        new = path.with_suffix(".new")
        new.write_text(text)
        new.replace(path)
        return text != before

    @property
    def _mounted(self) -> Path:
        return self.folder / "policy.yaml"

    def kubeconfig(self, account: str) -> Path:
        """A kubeconfig for use inside the bed, with a fresh token of a ServiceAccount."""
        token = self.bed.kubectl("create", "token", account, "-n", self.namespace, "--duration", "4h").stdout.strip()
        config = yaml.safe_load(self.bed.inside_kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token}
        config["contexts"][0]["context"]["namespace"] = self.namespace
        path = self.folder / f"{account}.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path

    def _start(
        self, name: str, command: Sequence[str], kubeconfig: Path, health: tuple[str, int], extra: Mapping[str, str]
    ) -> Program:
        log = self.folder / f"{name}.log"
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "POD_NAMESPACE": self.namespace,
            "POD_NAME": name,
            **extra,
        }
        log.unlink(missing_ok=True)

        def spawn() -> subprocess.Popen[bytes]:
            with log.open("ab") as out:
                return subprocess.Popen(
                    self.bed.command([sys.executable, "-m", *command]),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=ROOT,
                )

        return Program(name, self.bed, spawn(), log, health, spawn)

    def _route(self, port: int) -> None:
        """Adds the process to the endpoints of the chart's Service, as controllers do for a ready pod."""
        endpoint = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"process-{port}",
                "namespace": self.namespace,
                "labels": {"kubernetes.io/service-name": f"{self.release}-webhooks"},
            },
            "addressType": "IPv6" if ":" in self.bed.node_ip else "IPv4",
            "endpoints": [{"addresses": [self.bed.node_ip], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
        }
        self.bed.kubectl("apply", "-f", "-", input=yaml.safe_dump(endpoint))
        self._routed.add(port)
        self._route_by_endpoints(self._routed)

    def _route_by_endpoints(self, ports: Collection[int]) -> None:
        """Writes Endpoints too, for an API server that resolves a webhook's Service by those, as 1.30 does."""
        self._routed = set(ports)
        if self.bed.kubernetes is not OLDEST_KUBERNETES:
            return
        endpoints = {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": f"{self.release}-webhooks", "namespace": self.namespace},
            "subsets": [
                {"addresses": [{"ip": self.bed.node_ip}], "ports": [{"name": "https", "port": port, "protocol": "TCP"}]}
                for port in sorted(self._routed)
            ],
        }
        self.bed.kubectl("apply", "-f", "-", input=yaml.safe_dump(endpoints))


@contextmanager
def corner(bed: Bed, watched: str, *options: str, namespace: str = NAMESPACE, suffix: str = "") -> Iterator[str]:
    """Installs another release, without webhooks, that watches one namespace; more by `options`. Yields its name.

    Rendered and applied as GitOps tools do it: Helm would refuse it beside a release that watches all.
    """
    name = f"corner-{watched}{suffix}"
    rendered = bed.helm(
        *("template", name, str(CHART), "-n", namespace, *NO_PODS, "--set", f"fullnameOverride={name}"),
        *("--set", "crds.enabled=false", "--set", "webhooks.enabled=false"),
        *("--set", f"watchNamespaces={{{watched}}}", *options),
    ).stdout
    bed.kubectl("apply", "--server-side", "-f", "-", input=rendered)
    try:
        yield name
    finally:
        bed.kubectl("delete", "--ignore-not-found", "-f", "-", input=rendered)
