"""`nginx-operator check`: does an installed release do its work? Asked from outside of it; `helm test` runs this.

It asks what a user and a Prometheus would: one Nginx to be defaulted and one to be refused by the webhook, as dry runs
through the API server, and the metrics of each of the release's pods.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig, load_config
from nginx_operator.kube.connection_pool import ConnectionPool
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import PODS
from nginx_operator.runtime import admission_probe

#: Names that the chart gives to container ports with /metrics.
_PORTS: Final = ("metrics", "health")
#: How each of our metrics begins.
_PREFIX: Final = b"\nnginx_"
#: Seconds that one pod may take to answer, and to be connected with.
_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be checked.

    Attributes:
        namespace: of the release; None means our own.
        admission: whether the release has webhooks, and they judge what is created in its namespace.
        pods: label selector of the pods that have metrics; empty checks none.
    """

    namespace: str | None = None
    admission: bool = True
    pods: str = ""


class Finding(NamedTuple):
    """One line of output: what was looked at, and what is wrong with it, if anything is."""

    what: str
    fault: str | None = None

    def __str__(self) -> str:
        return f"FAILED  {self.what}: {self.fault}" if self.fault else f"ok      {self.what}"


def main(wanted: Wanted) -> int:
    """Prints what it found. Returns the exit code: 0 if all is well, else 1.

    Raises:
        ClientConfigError: there is no API server to ask.
    """
    return asyncio.run(_main(wanted, load_config()))


async def _main(wanted: Wanted, connection: ClientConfig) -> int:
    failed = False
    async with Client(connection, user_agent="nginx-operator-check") as client:
        async for finding in check(client, wanted):
            print(finding, flush=True)
            failed |= finding.fault is not None
    return 1 if failed else 0


async def check(client: Client, wanted: Wanted) -> AsyncIterator[Finding]:
    """All findings, good ones too."""
    namespace = wanted.namespace or client.config.namespace
    if wanted.admission:
        what = "admission: a dry-run create is defaulted, and an invalid one refused by the webhook"
        yield Finding(what, await admission_probe.fault(client, namespace))
    if not wanted.pods:
        return
    what = f"pods in {namespace} with {wanted.pods}"
    try:
        items = msgspec.json.decode(await client.list(PODS, namespace, labelSelector=wanted.pods))["items"]
    except ApiError as error:
        yield Finding(what, error.message)
        return
    addresses = list(_addresses(items))
    if not addresses:
        yield Finding(what, "none of them runs and has a port for metrics")
    for pod, address in addresses:
        yield Finding(f"metrics: {pod}, {address}", await _metrics_fault(address))


def _addresses(pods: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Name and URL of each running pod's metrics; one that is on its way out answers no more."""
    for pod in pods:
        host = pod.get("status", {}).get("podIP", "")
        if not host or "deletionTimestamp" in pod["metadata"]:
            continue
        for container in pod["spec"]["containers"]:
            for port in container.get("ports", ()):
                if port.get("name") in _PORTS:
                    authority = f"[{host}]" if ":" in host else host
                    yield pod["metadata"]["name"], f"http://{authority}:{port['containerPort']}"


async def _metrics_fault(address: str) -> str | None:
    http = ConnectionPool(ClientConfig(address), {}, response_timeout=_PATIENCE, connect_timeout=_PATIENCE)
    try:
        answer = await http.request("GET", "/metrics", {})
    except OSError as error:
        why = str(error) or type(error).__name__
        return f"{why}; with networkPolicy.enabled, networkPolicy.metricsFrom has to let the release's namespace in"
    finally:
        await http.close()
    if answer.status != 200:
        return f"{answer.status} {answer.phrase}"
    return None if _PREFIX in answer.body else "the answer has no metric of ours"
