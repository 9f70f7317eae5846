"""What `helm test` finds: right or wrong admission, and the metrics of each pod that runs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from nginx_operator import __main__
from nginx_operator.api import names
from nginx_operator.commands import check
from nginx_operator.commands.check import Options
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig, ClientConfigError
from nginx_operator.kube.resources import PODS
from nginx_operator.metrics import Metrics
from nginx_operator.serving import health
from nginx_operator.serving.listening import Address
from tests.support.admission import admitting
from tests.support.apiserver.faults import Answer, refused
from tests.support.apiserver.server import ApiServer

SELECTOR = "app.kubernetes.io/instance=nginx-operator"
METRICS = Options("system", admission=False, pods=SELECTOR)


def put_pod(
    api: ApiServer,
    name: str,
    host: str = "127.0.0.1",
    port: int = 0,
    port_name: str = "metrics",
    statuses: Sequence[dict[str, Any]] = (),
    **meta: Any,
) -> None:
    ports = [{"name": "webhooks", "containerPort": 1}, {"name": port_name, "containerPort": port}]
    labels = dict([SELECTOR.split("=")])
    body = {
        "metadata": {"name": name, "namespace": "system", "labels": labels, **meta},
        "spec": {"containers": [{"name": "x", "ports": ports}]},
        "status": {"podIP": host, "containerStatuses": statuses} if host else {},
    }
    api.put(PODS.path("system", name), body)


async def found(client: Client, options: Options) -> list[str]:
    return [str(result) async for result in check.check(client, options)]


async def test_working_admission_is_told_and_nothing_is_stored(api: ApiServer, client: Client) -> None:
    api.store.admit = admitting()
    assert [line[:14] for line in await found(client, Options("system"))] == ["ok      admiss"]
    assert [request.query["dryRun"] for request in api.requests] == ["All", "All"]
    assert not api.objects


async def test_a_refusal_by_the_schema_is_not_taken_for_the_webhook_s(api: ApiServer, client: Client) -> None:
    api.store.admit = admitting()
    schema = Answer(422, {"message": "spec.count in body should be less"})
    api.faults.next("create", names.PLURAL, lambda _: None, schema)
    (line,) = await found(client, Options("system"))
    assert line.startswith("FAILED  admission")
    assert line.endswith(": spec.count in body should be less")


async def test_the_metrics_of_each_pod_that_runs_are_read(api: ApiServer, client: Client) -> None:
    checks = health.Checks(unready=lambda: None)
    async with health.serve(Address.parse("127.0.0.1:0"), checks, Metrics().registry) as at:
        assert at is not None
        put_pod(api, "operator", port=at.port)
        put_pod(api, "webhooks", port=at.port, port_name="health")
        put_pod(api, "starting", host="")
        put_pod(api, "ending", deletionTimestamp="2026-01-01T00:00:00Z")
        put_pod(api, "other", port_name="https")
        put_pod(api, "of-somebody-else", port=at.port, labels={})
        lines = await found(client, METRICS)
    assert lines == [f"ok      metrics: {name}, http://127.0.0.1:{at.port}" for name in ("operator", "webhooks")]


@pytest.mark.parametrize("network_policies", [True, False])
async def test_a_pod_that_does_not_answer_is_told_with_what_may_keep_it(
    network_policies: bool, api: ApiServer, client: Client
) -> None:
    put_pod(api, "operator", port=1)
    (line,) = await found(client, replace(METRICS, network_policies=network_policies))
    assert line.startswith("FAILED  metrics: operator, http://127.0.0.1:1: ")
    assert ("networkPolicy.metricsFrom has to let the release's namespace in" in line) is network_policies


LAST = {"terminated": {"reason": "Error", "exitCode": 1}}


@pytest.mark.parametrize(
    ("state", "last", "reason"),
    [
        ({"waiting": {"reason": "CrashLoopBackOff"}}, LAST, "CrashLoopBackOff"),
        (LAST, {}, "Error"),
        ({"waiting": {"reason": "CreateContainerConfigError"}}, {}, "CreateContainerConfigError"),
    ],
    ids=["backs off", "just ended", "never ran"],
)
async def test_a_container_that_does_not_run_is_told_by_its_state(
    state: dict[str, Any], last: dict[str, Any], reason: str, api: ApiServer, client: Client
) -> None:
    put_pod(api, "operator", port=1, statuses=[{"name": "operator", "state": state, "lastState": last}])
    (line,) = await found(client, replace(METRICS, network_policies=True))
    ended = last or state == LAST
    code, previous = (", its last exit code is 1", " --previous") if ended else ("", "")
    told = f"{reason}{code}. See kubectl logs -n system operator -c operator{previous}"
    assert line == f"FAILED  metrics: operator, http://127.0.0.1:1: container operator does not run: {told}"


async def test_what_answers_and_is_not_ours_is_told(api: ApiServer, client: Client) -> None:
    for name in ("a", "b"):
        put_pod(api, name, port=int(api.url.rpartition(":")[2]))
    api.faults.next("get", "metrics", Answer(200, {}), refused(503, "ServiceUnavailable"))
    lines = await found(client, METRICS)
    assert [line.rpartition(": ")[2] for line in lines] == [
        "the answer has no metric named nginx_...",
        "503 Service Unavailable",
    ]


@pytest.mark.parametrize(
    ("faults", "words"),
    [((), "none of them runs"), ((refused(403, "Forbidden"),), "it is Forbidden")],
)
async def test_no_pods_are_a_fault(api: ApiServer, client: Client, faults: tuple[Answer, ...], words: str) -> None:
    api.faults.next("list", "pods", *faults)
    (line,) = await found(client, METRICS)
    assert line.startswith(f"FAILED  pods in system with {SELECTOR}: ")
    assert words in line


@pytest.mark.parametrize(("faults", "code"), [((), 0), ((refused(500, "InternalError"),), 1)])
async def test_the_exit_code_tells(
    api: ApiServer, faults: tuple[Answer, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    api.store.admit = admitting()
    api.faults.next("create", names.PLURAL, *faults)
    assert await check._main(Options("system"), ClientConfig(api.url)) == code
    assert capsys.readouterr().out.startswith("FAILED" if code else "ok")


def test_without_a_cluster_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def load_config() -> ClientConfig:
        raise ClientConfigError("no usable kubeconfig")

    monkeypatch.setattr(check, "load_config", load_config)
    with pytest.raises(SystemExit) as ended:
        __main__.main(["check"])
    assert ended.value.code == 1
    assert "nginx-operator: no usable kubeconfig" in capsys.readouterr().err
