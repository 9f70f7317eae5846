"""One contender at one size on a fresh cluster: converge, scale, restart, idle, react.

A fresh cluster for each, because what an earlier trial leaves in etcd, in caches and to the garbage collector would
slow the next one down.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from bench.audit import Audit
from bench.contenders import CONTENDERS
from bench.load import Key, Load
from bench.process import Process, cpu_seconds
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from testbed import Bed, Progress, controlplane

ROOT: Final = Path(__file__).parents[1]
NAMESPACE: Final = "bench"
ACCOUNT: Final = "contender"
USER: Final = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"

#: Whose CPU time is the cluster's own. kwok is not among them: it stands in for kubelets, which run on other machines.
CONTROL_PLANE: Final = (
    controlplane.ETCD,
    controlplane.APISERVER,
    controlplane.CONTROLLER_MANAGER,
    controlplane.SCHEDULER,
)
STATUSES: Final = "patch nginxes/status"
#: Pauses of 2 s without a write that are waited for; a contender that never rests is measured as it is.
_SETTLE_TRIES: Final = 30


@dataclass(frozen=True)
class Size:
    """How much is asked of a contender.

    Attributes:
        nginxes: how many.
        idle_seconds: how long it is watched doing nothing.
        changes: how many single changes it is to react to.
        scales: whether all are scaled.
        services: whether each has a Service. kube-apiserver 1.37 lists all addresses for each that it creates, so that
            the time for 10,000 of them is its own.
    """

    nginxes: int
    idle_seconds: float = 60.0
    changes: int = 100
    scales: bool = True
    services: bool = True

    @property
    def keys(self) -> list[Key]:
        """Namespace and name of each; 20 to a namespace."""
        return [(f"bench-{number // 20}", f"web-{number}") for number in range(self.nginxes)]


@dataclass
class Result:
    """Figures by name (seconds, bytes, shares of a core, numbers), and what makes them up.

    Attributes:
        writes: the contender's while converging, by verb and resource.
        scale_writes: the same while scaling.
        control_plane: by phase and part of the control plane, seconds of CPU time.
    """

    contender: str
    nginxes: int
    figures: dict[str, float] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)
    services: bool = True
    scale_writes: dict[str, int] = field(default_factory=dict)
    control_plane: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def job(self) -> str:
        """What was asked, as a title: figures are compared within one job only."""
        return f"{self.nginxes} Nginx{'' if self.services else ' without Services'}"


async def measure(name: str, size: Size, bed: Bed, folder: Path, progress: Progress) -> Result:
    """Runs one contender through all phases, on a bed that is up with fake nodes; its log goes into the folder."""
    environ = prepare(bed, size, folder)
    process = Process(bed.command(CONTENDERS[name].command(progress)), environ, folder / f"{name}.log", ROOT)
    result = Result(name, size.nginxes, services=size.services)
    config = bed.administrator
    connection = ClientConfig(config.server, str(config.ca), token=lambda: config.token)
    with process.running():
        async with Client(connection, user_agent="bench") as client:
            load = Load(client, services=size.services)
            trial = Trial(f"{CONTENDERS[name].title}, {result.job}", size, load, process, bed, progress)
            async with load.watching():
                await trial.run(result)
    return result


@dataclass
class Trial:
    """The phases, and what they need."""

    title: str
    size: Size
    load: Load
    process: Process
    bed: Bed
    progress: Progress

    async def run(self, result: Result) -> None:
        """All phases, one after another."""
        await self._step("starting", self.load.create([(NAMESPACE, "warm")], 1))
        await self._converge(result)
        if self.size.scales:
            await self._scale(result)
        result.figures["peak rss"] = self.process.peak_rss()
        await self._restart(result.figures)
        await self._react(result.figures)

    async def _converge(self, result: Result) -> None:
        work = self.load.create(self.size.keys, 3)
        took, result.writes = await self._phase("converge", "converging", work, result)
        figures = result.figures
        figures["converge p50"], figures["converge p99"] = quantile(took, 0.5), quantile(took, 0.99)
        figures["writes per nginx"] = sum(result.writes.values()) / self.size.nginxes

    async def _scale(self, result: Result) -> None:
        work = self.load.scale(self.size.keys, 4)
        _, result.scale_writes = await self._phase("scale", "scaling", work, result)
        result.figures["scale writes"] = sum(result.scale_writes.values()) / self.size.nginxes
        result.figures["scale statuses"] = result.scale_writes.get(STATUSES, 0) / self.size.nginxes

    async def _phase(
        self, name: str, what: str, work: Awaitable[dict[Key, float]], result: Result
    ) -> tuple[list[float], dict[str, int]]:
        """All Nginx at once: time, CPU time of the contender and of the control plane. Returns how long each Nginx
        took, and the writes.
        """
        audit, cpu, others = Audit(self.bed.audit_log), self.process.cpu_seconds(), control_plane(self.bed)
        began = time.monotonic()
        took = await self._step(what, work)
        result.figures[name] = time.monotonic() - began
        await asyncio.sleep(1)  # what is written late counts too
        result.figures[f"{name} cpu"] = self.process.cpu_seconds() - cpu
        spent = {part: round(now - others[part], 2) for part, now in control_plane(self.bed).items()}
        result.control_plane[name] = spent
        result.figures[f"{name} cluster cpu"] = sum(spent.values())
        return took, dict(sorted(audit.writes(USER).items()))

    async def _restart(self, figures: dict[str, float]) -> None:
        """It is synced when it acts on a change that was made while it was down. Then it idles."""
        await self._settle()
        audit, changed = Audit(self.bed.audit_log), self.size.keys[-1]
        self.process.stop()
        change = asyncio.create_task(self.load.scale([changed], 3 if self.size.scales else 4))
        began = time.monotonic()
        self.process.start()
        await self._step("restarting", change)
        figures["restart"], figures["restart cpu"] = time.monotonic() - began, self.process.cpu_seconds()
        await asyncio.sleep(1)
        cpu = self.process.cpu_seconds()
        with self.progress.step(f"{self.title}: idle"):
            await asyncio.sleep(self.size.idle_seconds)
        figures["idle cpu"] = (self.process.cpu_seconds() - cpu) / self.size.idle_seconds
        figures["restart writes"] = audit.writes(USER, not_of=changed[1]).total()

    async def _settle(self) -> None:
        """Waits until it writes no more: a status may be complete after the last pod is ready."""
        for _ in range(_SETTLE_TRIES):
            audit = Audit(self.bed.audit_log)
            await asyncio.sleep(2)
            if not audit.writes(USER):
                return

    async def _react(self, figures: dict[str, float]) -> None:
        audit, keys = Audit(self.bed.audit_log), self.size.keys[:-1]
        with self.progress.step(f"{self.title}: reacting") as step:
            for number in range(self.size.changes):
                step.tell(f"{number} of {self.size.changes} changes")
                turn, at = divmod(number, len(keys))
                await self.load.scale([keys[at]], 3 + (turn + (not self.size.scales)) % 2)
        seconds = audit.reactions(USER)
        figures["reaction p50"], figures["reaction p99"] = quantile(seconds, 0.5), quantile(seconds, 0.99)

    async def _step(self, what: str, work: Awaitable[dict[Key, float]]) -> list[float]:
        """Waits for work of the load's, and shows how far it is. A contender that ends is an error."""
        task = asyncio.ensure_future(work)
        with self.progress.step(f"{self.title}: {what}") as step:
            while not task.done():
                step.tell(f"{self.load.arrived} done")
                await asyncio.wait([task], timeout=1)
                if not self.process.alive:
                    task.cancel()
                    raise RuntimeError(f"{self.title}: it ended; its log is {self.process.log}")
        return list((await task).values())


def control_plane(bed: Bed) -> dict[str, float]:
    """Seconds of CPU time that each part of the control plane has used since its start."""
    return {part: cpu_seconds(bed.pid(part)) for part in CONTROL_PLANE}


def quantile(values: Sequence[float], part: float) -> float:
    """The value that this part of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


def prepare(bed: Bed, size: Size, folder: Path, namespaces: Sequence[str] = ()) -> Mapping[str, str]:
    """The CRD, the namespaces and an account; returns the contender's environment."""
    names = [NAMESPACE, *sorted({namespace for namespace, _ in size.keys}), *namespaces]
    objects: list[dict[str, Any]] = [
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names),
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": NAMESPACE}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "bench"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
        },
    ]
    bed.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
    bed.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(objects))
    bed.kubectl("wait", "--for=condition=Established", "crd", "--all")
    token = bed.kubectl("create", "token", ACCOUNT, "-n", NAMESPACE, "--duration", "8h").stdout.strip()
    config = yaml.safe_load(bed.inside_kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))
    for name, text in (("token", token), ("namespace", NAMESPACE), ("ca.crt", bed.administrator.ca.read_text())):
        (folder / name).write_text(text)
    server = urlsplit(config["clusters"][0]["cluster"]["server"])
    return {
        **bed.environment,
        "KUBECONFIG": str(kubeconfig),
        "SERVICE_ACCOUNT": str(folder),
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
    }
