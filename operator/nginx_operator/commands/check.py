"""`nginx-operator check`: whether an installed release works, seen from outside; `helm test` runs this.

It asks what a user and Prometheus would: dry-run creates of an Nginx that must get its defaults and of one that the
webhook must refuse, and the metrics of each of the release's pods.
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

#: The chart's names of the container ports with /metrics.
_METRICS_PORTS: Final = ("metrics", "health")
#: How each of our metrics begins, on its line.
_METRIC_PREFIX: Final = b"\nnginx_"
#: Seconds to connect with a pod, and again for its answer.
_TIMEOUT: Final = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """The flags of the command.

    Attributes:
        namespace: of the release; None means our own.
        admission: whether the release has webhooks that validate what is created in its namespace.
        pods: label selector of the pods that have metrics; empty checks none.
        network_policies: whether the release has NetworkPolicies, which may keep us from the metrics.
    """

    namespace: str | None = None
    admission: bool = True
    pods: str = ""
    network_policies: bool = False


class Result(NamedTuple):
    """One line of output: what was checked, and what is wrong with it; None if nothing is."""

    what: str
    problem: str | None = None

    def __str__(self) -> str:
        return f"FAILED  {self.what}: {self.problem}" if self.problem else f"ok      {self.what}"


def main(options: Options) -> int:
    """Prints the results. Returns the exit code: 0 if all is well, else 1.

    Raises:
        ClientConfigError: there is no API server to ask.
    """
    return asyncio.run(_main(options, load_config()))


async def _main(options: Options, connection: ClientConfig) -> int:
    failed = False
    async with Client(connection, user_agent="nginx-operator-check") as client:
        async for result in check(client, options):
            print(result, flush=True)
            failed |= result.problem is not None
    return 1 if failed else 0


async def check(client: Client, options: Options) -> AsyncIterator[Result]:
    """Runs all checks, one result each."""
    namespace = options.namespace or client.config.namespace
    if options.admission:
        what = "admission: a dry-run create is defaulted, and an invalid one refused by the webhook"
        yield Result(what, await admission_probe.fault(client, namespace))
    if not options.pods:
        return
    what = f"pods in {namespace} with {options.pods}"
    try:
        items = msgspec.json.decode(await client.list(PODS, namespace, labelSelector=options.pods))["items"]
    except ApiError as error:
        yield Result(what, error.message)
        return
    addresses = list(_addresses(items))
    if not addresses:
        yield Result(what, "none of them runs and has a port for metrics")
    for pod, address in addresses:
        problem = _crash(pod) or await _metrics_problem(address, options.network_policies)
        yield Result(f"metrics: {pod['metadata']['name']}, {address}", problem)


def _addresses(pods: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each pod that has an address, and the URL of its metrics; a terminating one answers no more."""
    for pod in pods:
        host = pod.get("status", {}).get("podIP", "")
        if not host or "deletionTimestamp" in pod["metadata"]:
            continue
        for container in pod["spec"]["containers"]:
            for port in container.get("ports", ()):
                if port.get("name") in _METRICS_PORTS:
                    authority = f"[{host}]" if ":" in host else host
                    yield pod, f"http://{authority}:{port['containerPort']}"


def _crash(pod: dict[str, Any]) -> str | None:
    """Why a container of a pod does not run, by the pod's status; None if all run, or nothing is known."""
    namespace, name = pod["metadata"].get("namespace", ""), pod["metadata"]["name"]
    for status in pod["status"].get("containerStatuses", ()):
        state = status.get("state", {})
        if "waiting" not in state and "terminated" not in state:
            continue
        ended = state.get("terminated") or status.get("lastState", {}).get("terminated") or {}
        reason = state.get("waiting", ended).get("reason") or "it ended"
        code = f", its last exit code is {ended['exitCode']}" if "exitCode" in ended else ""
        look = f"kubectl logs -n {namespace} {name} -c {status['name']}{' --previous' if ended else ''}"
        return f"container {status['name']} does not run: {reason}{code}. See {look}"
    return None


async def _metrics_problem(address: str, network_policies: bool) -> str | None:
    http = ConnectionPool(ClientConfig(address), {}, response_timeout=_TIMEOUT, connect_timeout=_TIMEOUT)
    try:
        answer = await http.request("GET", "/metrics", {})
    except OSError as error:
        why = str(error) or type(error).__name__
        advice = "; networkPolicy.metricsFrom has to let the release's namespace in" if network_policies else ""
        return f"{why}{advice}"
    finally:
        await http.close()
    if answer.status != 200:
        return f"{answer.status} {answer.phrase}"
    return None if _METRIC_PREFIX in answer.body else "the answer has no metric named nginx_..."
