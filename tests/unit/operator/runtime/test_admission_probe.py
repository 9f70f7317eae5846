"""The operator's readiness: what counts as working admission, and what does not."""

import logging

import pytest

from nginx_operator.api import names
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.errors import ApiError
from nginx_operator.runtime import admission_probe
from nginx_operator.runtime.admission_probe import wait_for_admission, watch_admission
from tests.support.admission import admitting
from tests.support.apiserver.faults import Answer, Fault
from tests.support.apiserver.server import ApiServer


def works(_: object) -> None:
    """Lets a request through, to admission that works."""


def failed(code: int, message: str) -> Answer:
    return Answer(code, {"message": message})


async def probe(*answers: Fault, monkeypatch: pytest.MonkeyPatch, webhook: str = names.VALIDATING_WEBHOOK) -> ApiServer:
    """Waits for admission that answers like this, and works ever after."""
    monkeypatch.setattr(admission_probe, "_DELAY", 0.0)
    async with ApiServer() as api, Client(ClientConfig(api.url)) as client:
        api.store.admit = admitting(webhook)
        api.faults.next("create", names.PLURAL, *answers)
        await wait_for_admission(client, "system")
        assert not api.objects
        return api


async def test_the_releases_namespace_may_be_of_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    api = await probe(monkeypatch=monkeypatch, webhook=f"class-1.{names.VALIDATING_WEBHOOK}")
    assert len(api.requests) == 6


async def test_three_rounds_in_a_row_of_dry_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    api = await probe(monkeypatch=monkeypatch)
    assert api.calls == [f"create {names.PLURAL}"] * 6
    assert all(request.query["dryRun"] == "All" for request in api.requests)
    assert ["count" in request.body["spec"] for request in api.requests] == [False, True] * 3


_CALL = (
    'Internal error occurred: failed calling webhook "mutate.nginxes.proxy.example.com": failed to call webhook: Post '
    '"https://nginx-operator-webhooks.nginx-operator-system.svc:443/mutate?timeout=5s": tls: failed to verify '
    "certificate: x509: certificate "
)


def explain(message: str) -> str:
    return admission_probe.explain(ApiError(500, "InternalError", message))


async def test_a_definition_that_is_gone_is_named_with_what_brings_it_back(api: ApiServer, client: Client) -> None:
    """The API server answers 404 in plain text for what it does not serve, and by a Status for a missing namespace."""
    for answer, words in (
        (
            Answer(404, b"404 page not found\n"),
            f"CustomResourceDefinition {names.CRD} is not installed; helm upgrade",
        ),
        (
            Answer(404, {"message": 'namespaces "system" not found', "reason": "NotFound"}),
            'namespaces "system" not found',
        ),
    ):
        api.faults.next("create", names.PLURAL, answer)
        found = await admission_probe.fault(client, "system")
        assert found is not None
        assert words in found


@pytest.mark.parametrize(
    ("why", "whose"),
    [
        ("is valid for ip-10-0-1-2.eu-west-1.compute.internal, not nginx-operator-webhooks.x.svc", "ip-10-0-1-2.eu"),
        ("is valid for a, b, not nginx-operator-webhooks.x.svc", "with a certificate for a, b. Where"),
        ("is valid for 10.0.1.2, not nginx-operator-webhooks.x.svc", "for 10.0.1.2. Where"),
        ("is not valid for any names, but wanted to match nginx-operator-webhooks.x.svc", "with a certificate. Where"),
        ("relies on legacy Common Name field, use SANs instead", "with a certificate. Where"),
    ],
)
def test_a_kubelet_that_answers_is_recognised(why: str, whose: str) -> None:
    said = explain(_CALL + why)
    assert whose in said
    assert "set webhooks.port" in said
    assert said.endswith(_CALL + why)


def test_what_may_be_our_own_fault_is_told_as_it_is() -> None:
    """A CA that is not injected yet, a network that is closed."""
    for why in ("signed by unknown authority", "has expired or is not yet valid"):
        assert explain(_CALL + why) == _CALL + why
    closed = "context deadline exceeded"
    assert explain(closed) == closed


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([failed(500, "failed calling webhook")], "failed calling webhook"),
        ([Answer(201, {"spec": {}})], "the mutating webhook was not asked"),
        ([works, Answer(201, {"spec": {}})], "the validating webhook was not asked"),
        ([works, failed(422, "spec.count in body should be less")], "spec.count in body should be less"),
        ([works, failed(422, 'admission webhook "other" denied the request')], 'webhook "other" denied'),
    ],
    ids=["away", "not defaulted", "not refused", "refused by the schema", "refused by somebody else"],
)
async def test_what_is_wrong_is_said_once_and_begins_the_count_anew(
    answers: list[Fault], words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api = await probe(works, works, *answers, *answers, monkeypatch=monkeypatch)
    assert len(api.requests) == 2 + 2 * len(answers) + 6
    assert [words in record.getMessage() for record in caplog.records] == [True, False]


async def test_once_it_has_worked_the_leader_goes_on_to_try(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(admission_probe, "PERIOD", 0.0)
    refused = failed(500, "failed calling webhook")
    leads = iter([False, True, True, True, True, True])
    caplog.set_level(logging.INFO)
    async with ApiServer() as api, Client(ClientConfig(api.url)) as client:
        api.store.admit = admitting()
        api.faults.next("create", names.PLURAL, works, works, refused, refused)
        tries = watch_admission(client, "system", lambda: next(leads))
        assert [await anext(tries) for _ in range(5)] == [None, True, False, False, True]
        assert len(api.requests) == 6  # a standby sends none, and the first one that fails is enough
        del api.store.admit
    told = [record.getMessage() for record in caplog.records if "admission" in record.getMessage()]
    assert told == ["admission does not work any more: failed calling webhook", "admission works"]
    assert await anext(tries) is None  # the API server is away: nothing is known of admission
