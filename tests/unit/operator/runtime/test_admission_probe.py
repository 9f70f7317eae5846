"""The operator's readiness: what counts as working admission, and what does not."""

import logging

import pytest

from nginx_operator.api import names
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.runtime import admission_probe
from nginx_operator.runtime.admission_probe import wait_for_admission
from tests.support.answers import DEFAULTED, REFUSED
from tests.support.apiserver.conversation import Answer, Conversation


def failed(code: int, message: str) -> Answer:
    return code, {"message": message}


async def probe(*answers: Answer, monkeypatch: pytest.MonkeyPatch) -> Conversation:
    """Waits for admission that answers like this, and works ever after."""
    monkeypatch.setattr(admission_probe, "_DELAY", 0.0)
    async with Conversation() as server, Client(ClientConfig(server=server.url)) as client:
        server.answer("POST", names.PLURAL, *answers, *[DEFAULTED, REFUSED] * 3)
        await wait_for_admission(client, "system")
        return server


async def test_the_releases_namespace_may_be_of_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    words = f'admission webhook "class-1.{names.VALIDATING_WEBHOOK}" denied the request: spec.count: 2147483647 is more'
    server = await probe(*[DEFAULTED, failed(422, words)] * 3, monkeypatch=monkeypatch)
    assert len(server.heard) == 6


async def test_three_rounds_in_a_row_of_dry_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    server = await probe(monkeypatch=monkeypatch)
    assert server.heard == [f"POST {names.PLURAL}"] * 6
    assert all(query["dryRun"] == "All" for query in server.queries)
    assert ["count" in body["spec"] for body in server.bodies] == [False, True] * 3


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([failed(500, "failed calling webhook")], "failed calling webhook"),
        ([(201, {"spec": {}})], "the mutating webhook was not asked"),
        ([DEFAULTED, (201, {"spec": {}})], "the validating webhook was not asked"),
        ([DEFAULTED, failed(422, "spec.count in body should be less")], "spec.count in body should be less"),
        ([DEFAULTED, failed(422, 'admission webhook "other" denied the request')], 'webhook "other" denied'),
    ],
    ids=["away", "not defaulted", "not refused", "refused by the schema", "refused by somebody else"],
)
async def test_what_is_wrong_is_said_once_and_begins_the_count_anew(
    answers: list[Answer], words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = await probe(DEFAULTED, REFUSED, *answers, *answers, monkeypatch=monkeypatch)
    assert len(server.heard) == 2 + 2 * len(answers) + 6
    assert [words in record.getMessage() for record in caplog.records] == [True, False]
