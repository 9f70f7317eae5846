"""Events: one a change, counted when it comes again, and never in the way."""

import pytest

from nginx_operator.api.types import Nginx
from nginx_operator.decide.event_messages import EventMessage
from nginx_operator.kube.client import Client
from nginx_operator.runtime.events import EventRecorder
from tests.support.apiserver.conversation import Conversation, failure


@pytest.fixture
def recorder(client: Client) -> EventRecorder:
    return EventRecorder(client, "operator-1")


async def test_an_event_is_about_its_nginx(recorder: EventRecorder, talk: Conversation, nginx: Nginx) -> None:
    await recorder.record_event(nginx, EventMessage("Warning", "NameConflict", "the name is taken"))
    (event,) = talk.bodies
    assert event["involvedObject"]["uid"] == nginx.metadata.uid
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "NameConflict", "the name is taken")
    assert (event["count"], event["firstTimestamp"]) == (1, event["lastTimestamp"])


async def test_the_same_again_counts_up(recorder: EventRecorder, talk: Conversation, nginx: Nginx) -> None:
    talk.answer("POST", "events", failure(409, "AlreadyExists"))
    talk.answer("GET", "events", (200, {"count": 4}))
    await recorder.record_event(nginx, EventMessage("Normal", "Scaled", "2 to 3"))
    assert talk.heard == ["POST events", "GET events", "PATCH events"]
    assert talk.bodies[1]["count"] == 5


async def test_another_message_is_another_event(recorder: EventRecorder, talk: Conversation, nginx: Nginx) -> None:
    for message in ("2 to 3", "3 to 4", "2 to 3"):
        await recorder.record_event(nginx, EventMessage("Normal", "Scaled", message))
    first, second, again = (event["metadata"]["name"] for event in talk.bodies)
    assert first == again != second


async def test_a_long_message_is_cut_to_what_the_api_takes(
    recorder: EventRecorder, talk: Conversation, nginx: Nginx
) -> None:
    await recorder.record_event(nginx, EventMessage("Normal", "Long", "x" * 5000))
    assert len(talk.bodies[0]["message"]) == 1024


@pytest.mark.parametrize("code", [403, 404, 429, 500])
async def test_an_event_that_cannot_be_written_holds_nothing_up(
    recorder: EventRecorder, talk: Conversation, nginx: Nginx, code: int
) -> None:
    talk.answer("POST", "events", failure(code, "No"))
    await recorder.record_event(nginx, EventMessage("Normal", "Scaled", "2 to 3"))
    assert talk.heard == ["POST events"]
