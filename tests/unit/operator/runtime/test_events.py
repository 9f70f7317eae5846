"""Events: one a change, counted when it comes again, and never in the way."""

import pytest

from nginx_operator.api.types import Nginx
from nginx_operator.decide.event_messages import EventMessage
from nginx_operator.kube.client import Client
from nginx_operator.runtime.events import EventRecorder
from tests.support.apiserver.faults import refused
from tests.support.apiserver.server import ApiServer


@pytest.fixture
def recorder(client: Client) -> EventRecorder:
    return EventRecorder(client, "operator-1")


async def test_an_event_is_about_its_nginx(recorder: EventRecorder, api: ApiServer, nginx: Nginx) -> None:
    await recorder.record_event(nginx, EventMessage("Warning", "NameConflict", "the name is taken"))
    (event,) = (request.body for request in api.requests)
    assert event["involvedObject"]["uid"] == nginx.metadata.uid
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "NameConflict", "the name is taken")
    assert (event["count"], event["firstTimestamp"]) == (1, event["lastTimestamp"])


async def test_the_same_again_counts_up(recorder: EventRecorder, api: ApiServer, nginx: Nginx) -> None:
    for _ in range(5):
        await recorder.record_event(nginx, EventMessage("Normal", "Scaled", "2 to 3"))
    assert api.calls == ["create events", *["create events", "get events", "patch events"] * 4]
    (event,) = api.objects.values()
    assert event["count"] == 5


async def test_another_message_is_another_event(recorder: EventRecorder, api: ApiServer, nginx: Nginx) -> None:
    for message in ("2 to 3", "3 to 4", "2 to 3"):
        await recorder.record_event(nginx, EventMessage("Normal", "Scaled", message))
    first, second, again = (request.body["metadata"]["name"] for request in api.sent("create"))
    assert first == again != second


async def test_a_long_message_is_cut_to_what_the_api_takes(
    recorder: EventRecorder, api: ApiServer, nginx: Nginx
) -> None:
    await recorder.record_event(nginx, EventMessage("Normal", "Long", "x" * 5000))
    (event,) = api.objects.values()
    assert len(event["message"]) == 1024


@pytest.mark.parametrize("code", [403, 404, 429, 500])
async def test_an_event_that_cannot_be_written_holds_nothing_up(
    recorder: EventRecorder, api: ApiServer, nginx: Nginx, code: int
) -> None:
    api.faults.next("create", "events", refused(code, "No"))
    await recorder.record_event(nginx, EventMessage("Normal", "Scaled", "2 to 3"))
    assert api.calls == ["create events"]
