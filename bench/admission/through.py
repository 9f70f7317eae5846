"""What a create takes through a real API server: without admission, and with each way of it.

All ways are installed at the same time, each for one namespace, and take turns request by request: what the machine
does to one it does to all.
"""

import asyncio
import base64
import itertools
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import uvloop
import yaml

from bench.admission.programs import Certificate, command
from bench.admission.reviews import nginx
from bench.contenders import PEERS
from bench.process import Process, age, memory
from bench.trial import ROOT, quantile
from nginx_operator.api import names
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.resources import NGINXES
from testbed import Bed, Progress
from testbed.waiting import until
from tests.support.product import HOST, NAMESPACE, RELEASE, Product, Program

#: Ways of admission; each has the namespace of its name.
WAYS: Final = ("none", "ours", "policy", "kopf")
#: Creates a second, of all ways together. More than a cluster with thousands of Nginx ever sees for long.
RATE: Final = 100
_KOPF_PORT: Final = 9543
_OPTIONS: Final[dict[str, dict[str, str]]] = {"create": {}, "dry run": {"dryRun": "All"}}


def through(bed: Bed, folder: Path, progress: Progress, *, seconds: float) -> dict[str, dict[str, float]]:
    """Figures by way: seconds of a create at the median and the 99th percentile, and of the programs themselves.

    Args:
        bed: is up.
        folder: for certificates and logs.
        progress: tells how far it is.
        seconds: how long creates last, and how long dry runs do.
    """
    figures: dict[str, dict[str, float]] = {way: {} for way in WAYS}
    bed.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(_namespace(way) for way in WAYS))
    with ExitStack() as stack:
        with progress.step("installing"):
            ours = stack.enter_context(_ours(bed, folder, figures["ours"]))
            kopf = stack.enter_context(_kopf(bed, folder))
            bed.kubectl("apply", "-f", str(PEERS / "admission_policy.yaml"))
            _wait_until_enforced(bed)
        taken = uvloop.run(_measured(bed, seconds, progress))
        figures["ours"]["managed rss"] = memory(ours.process.pid)
        figures["kopf"]["managed rss"] = kopf.rss()
    for (way, what), found in taken.items():
        for part in (0.5, 0.99):
            figures[way][f"{what} p{part * 100:.0f}"] = quantile(found, part)
    return figures


def _namespace(way: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _name(way), "labels": {"bench": way}}}


def _name(way: str) -> str:
    return f"bench-{way}"


@contextmanager
def _ours(bed: Bed, folder: Path, figures: dict[str, float]) -> Iterator[Program]:
    """The chart, and its webhooks as a process with a certificate that they keep themselves."""
    product = Product(bed, folder)
    product.install("--set", "webhooks.namespaceSelector.matchLabels.bench=ours")
    program = product.webhooks(module="bench.peers.pod", environ=_as_in_a_pod(bed, product, folder))
    try:
        program.wait_ready()
        figures["managed start"] = age(program.process.pid)
        yield program
    finally:
        program.stop()
        product.uninstall()


def _as_in_a_pod(bed: Bed, product: Product, folder: Path) -> dict[str, str]:
    """What a kubelet gives a pod to find the API server with."""
    account = yaml.safe_load(product.kubeconfig(f"{RELEASE}-webhooks").read_text())
    files = {
        "token": account["users"][0]["user"]["token"],
        "namespace": NAMESPACE,
        "ca.crt": bed.administrator.ca.read_text(),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    server = urlsplit(account["clusters"][0]["cluster"]["server"])
    return {
        "SERVICE_ACCOUNT": str(folder),
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
    }


@contextmanager
def _kopf(bed: Bed, folder: Path) -> Iterator[Process]:
    """Kopf's server behind a Service of its own."""
    service = "kopf"
    home = _name("kopf")
    certificate = Certificate.make(folder, f"{service}.{home}.svc")
    environ = {**bed.environment, "KUBECONFIG": str(bed.inside_kubeconfig)}
    words = bed.command(command("kopf", certificate, HOST, _KOPF_PORT))
    process = Process(words, environ, folder / "kopf.log", ROOT)
    with process.running():
        bed.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(_routes(service, home, certificate)))
        yield process


def _routes(service: str, home: str, certificate: Certificate) -> Iterator[dict[str, Any]]:
    """Service, endpoints and webhook configurations of kopf's server, as our chart has them."""
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service, "namespace": home},
        "spec": {"ports": [{"name": "https", "port": 443, "targetPort": _KOPF_PORT}]},
    }
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": service, "namespace": home, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [HOST], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": _KOPF_PORT, "protocol": "TCP"}],
    }
    bundle = base64.b64encode(certificate.ca.read_bytes()).decode()
    for kind, path in (("MutatingWebhookConfiguration", "mutate"), ("ValidatingWebhookConfiguration", "validate")):
        yield {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": "bench-kopf"},
            "webhooks": [
                {
                    "name": f"{path}.kopf.example.com",
                    "admissionReviewVersions": ["v1"],
                    "clientConfig": {
                        "service": {"name": service, "namespace": home, "path": f"/{path}", "port": 443},
                        "caBundle": bundle,
                    },
                    "rules": [
                        {
                            "apiGroups": [names.GROUP],
                            "apiVersions": [names.VERSION],
                            "operations": ["CREATE", "UPDATE"],
                            "resources": [names.PLURAL],
                        }
                    ],
                    "sideEffects": "None",
                    "timeoutSeconds": 30,
                    "namespaceSelector": {"matchLabels": {"bench": "kopf"}},
                }
            ],
        }


def _wait_until_enforced(bed: Bed) -> None:
    """Waits until each way refuses what is invalid, and the way without admission stores it."""
    for way in WAYS:
        path = f"{NGINXES.path(_name(way))}?dryRun=All"
        body = _nginx(way, "probe", count=101, image="example.com/nginx:1")
        expected = (201,) if way == "none" else (422, 403, 400)
        until(lambda: bed.request("POST", path, body)[0] in expected, seconds=120, what=f"{way} decides")  # noqa: B023


def _nginx(way: str, name: str, **spec: Any) -> dict[str, Any]:
    found = nginx(name, **spec)
    found["metadata"]["namespace"] = _name(way)
    return found


async def _measured(bed: Bed, seconds: float, progress: Progress) -> dict[tuple[str, str], list[float]]:
    """Seconds of each create, by way and by what was asked."""
    config = bed.administrator
    connection = ClientConfig(config.server, str(config.ca), token=lambda: config.token)
    taken: dict[tuple[str, str], list[float]] = {turn: [] for turn in itertools.product(WAYS, _OPTIONS)}
    async with Client(connection, user_agent="bench") as client:
        await _creates(client, "dry run", seconds / 4)  # connections are opened, code is compiled
        for what in _OPTIONS:
            with progress.step(what):
                for way, found in (await _creates(client, what, seconds)).items():
                    taken[way, what] = found
    return taken


async def _creates(client: Client, what: str, seconds: float) -> dict[str, list[float]]:
    """Creates at a steady rate, one way after the other. The seconds that each took from when it was due."""
    number = max(int(RATE * seconds / len(WAYS)), 1)
    ways = [way for _ in range(number) for way in random.sample(WAYS, len(WAYS))]
    began, prefix = time.perf_counter() + 0.1, f"web-{time.monotonic_ns()}"
    taken: dict[str, list[float]] = {way: [] for way in WAYS}

    async def one(at: int, way: str) -> None:
        due = began + at / RATE
        await asyncio.sleep(due - time.perf_counter())
        await client.request("POST", NGINXES.path(_name(way)), _nginx(way, f"{prefix}-{at}"), params=_OPTIONS[what])
        taken[way].append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as tasks:
        for at, way in enumerate(ways):
            tasks.create_task(one(at, way))
    return taken
