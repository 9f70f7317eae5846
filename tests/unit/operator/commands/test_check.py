"""What `helm test` finds: right or wrong admission, and the metrics of each pod that runs."""

from typing import Any

import pytest

from nginx_operator import __main__
from nginx_operator.api import names
from nginx_operator.commands import check
from nginx_operator.commands.check import Options
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig, ClientConfigError
from nginx_operator.metrics import Metrics
from nginx_operator.serving import health
from nginx_operator.serving.listening import Address
from tests.support.answers import DEFAULTED, REFUSED
from tests.support.apiserver.conversation import Conversation, failure

SELECTOR = "app.kubernetes.io/instance=nginx-operator"


def pod(name: str, host: str = "127.0.0.1", port: int = 0, port_name: str = "metrics", **meta: str) -> dict[str, Any]:
    ports = [{"name": "webhooks", "containerPort": 1}, {"name": port_name, "containerPort": port}]
    status = {"podIP": host} if host else {}
    return {"metadata": {"name": name, **meta}, "spec": {"containers": [{"ports": ports}]}, "status": status}


async def found(server: Conversation, options: Options) -> list[str]:
    async with Client(ClientConfig(server=server.url)) as client:
        return [str(result) async for result in check.check(client, options)]


async def test_working_admission_is_told_and_nothing_is_stored() -> None:
    async with Conversation() as server:
        server.answer("POST", names.PLURAL, DEFAULTED, REFUSED)
        assert [line[:14] for line in await found(server, Options("system"))] == ["ok      admiss"]
        assert [query["dryRun"] for query in server.queries] == ["All", "All"]


async def test_a_refusal_by_the_schema_is_not_taken_for_the_webhook_s() -> None:
    async with Conversation() as server:
        server.answer("POST", names.PLURAL, DEFAULTED, (422, {"message": "spec.count in body should be less"}))
        (line,) = await found(server, Options("system"))
    assert line.startswith("FAILED  admission")
    assert line.endswith(": spec.count in body should be less")


async def test_the_metrics_of_each_pod_that_runs_are_read() -> None:
    checks = health.Checks(unready=lambda: None)
    async with Conversation() as server, health.serve(Address.parse("127.0.0.1:0"), checks, Metrics().registry) as at:
        assert at is not None
        pods = [
            pod("operator", port=at.port),
            pod("webhooks", port=at.port, port_name="health"),
            pod("starting", host=""),
            pod("ending", deletionTimestamp="2026-01-01T00:00:00Z"),
            pod("other", port_name="https"),
        ]
        server.answer("GET", "pods", (200, {"items": pods}))
        lines = await found(server, Options("system", admission=False, pods=SELECTOR))
        assert server.queries == [{"labelSelector": SELECTOR}]
    assert lines == [f"ok      metrics: {name}, http://127.0.0.1:{at.port}" for name in ("operator", "webhooks")]


async def test_a_pod_that_does_not_answer_is_told_with_what_may_keep_it() -> None:
    async with Conversation() as server:
        server.answer("GET", "pods", (200, {"items": [pod("operator", port=1)]}))
        (line,) = await found(server, Options("system", admission=False, pods=SELECTOR))
    assert line.startswith("FAILED  metrics: operator, http://127.0.0.1:1: ")
    assert "networkPolicy.metricsFrom" in line


async def test_what_answers_and_is_not_ours_is_told() -> None:
    async with Conversation() as server:
        port = int(server.url.rpartition(":")[2])
        server.answer("GET", "pods", (200, {"items": [pod("a", port=port), pod("b", port=port)]}))
        server.answer("GET", "metrics", (200, {}), failure(503, "ServiceUnavailable"))
        lines = await found(server, Options("system", admission=False, pods=SELECTOR))
    assert [line.rpartition(": ")[2] for line in lines] == [
        "the answer has no metric of ours",
        "503 Service Unavailable",
    ]


@pytest.mark.parametrize(
    ("answer", "words"),
    [((200, {"items": []}), "none of them runs"), (failure(403, "Forbidden"), "it is Forbidden")],
)
async def test_no_pods_are_a_fault(answer: tuple[int, dict[str, Any]], words: str) -> None:
    async with Conversation() as server:
        server.answer("GET", "pods", answer)
        (line,) = await found(server, Options("system", admission=False, pods=SELECTOR))
    assert line.startswith(f"FAILED  pods in system with {SELECTOR}: ")
    assert words in line


@pytest.mark.parametrize(("answers", "code"), [((DEFAULTED, REFUSED), 0), ((failure(500, "InternalError"),), 1)])
async def test_the_exit_code_tells(
    answers: tuple[tuple[int, dict[str, Any]], ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Conversation() as server:
        server.answer("POST", names.PLURAL, *answers)
        assert await check._main(Options("system"), ClientConfig(server=server.url)) == code
    assert capsys.readouterr().out.startswith("FAILED" if code else "ok")


def test_without_a_cluster_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def load_config() -> ClientConfig:
        raise ClientConfigError("no usable kubeconfig")

    monkeypatch.setattr(check, "load_config", load_config)
    with pytest.raises(SystemExit) as ended:
        __main__.main(["check"])
    assert ended.value.code == 1
    assert "nginx-operator: no usable kubeconfig" in capsys.readouterr().err
