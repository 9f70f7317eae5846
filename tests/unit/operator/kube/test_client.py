"""What the client says when the API server refuses, is away, or must not be written to."""

import pytest

from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import DEPLOYMENTS, LEASES, NGINXES, PODS, Resource, plural_of
from tests.support.apiserver.conversation import Conversation, failure


async def test_an_apply_names_its_field_manager(client: Client, talk: Conversation) -> None:
    await client.apply(DEPLOYMENTS, "shop", "web", {"metadata": {"name": "web"}}, force=False)
    assert talk.heard == ["PATCH deployments"]
    assert talk.queries == [{"fieldManager": "nginx-operator", "force": "false"}]


async def test_a_deletion_is_of_one_version_of_one_object(client: Client, talk: Conversation) -> None:
    await client.delete(DEPLOYMENTS, "shop", "web", uid="u", resource_version="9")
    assert talk.bodies[0]["preconditions"] == {"uid": "u", "resourceVersion": "9"}


async def test_a_refusal_carries_what_the_server_said(client: Client, talk: Conversation) -> None:
    talk.answer("PATCH", "deployments", failure(409, "Conflict", "FieldManagerConflict", retry_after=3))
    with pytest.raises(ApiError, match="it is Conflict") as caught:
        await client.apply(DEPLOYMENTS, "shop", "web", {}, force=False)
    error = caught.value
    assert (error.code, error.reason, error.causes) == (409, "Conflict", {"FieldManagerConflict"})
    assert (error.retry_after, error.transient, error.unreachable) == (3, True, False)


async def test_the_header_retry_after_counts_more_than_the_body(client: Client, talk: Conversation) -> None:
    talk.headers = {"Retry-After": "7"}
    talk.answer("GET", "nginxes", failure(429, "TooManyRequests", retry_after=1))
    with pytest.raises(ApiError) as caught:
        await client.get(NGINXES, "shop", "web")
    assert caught.value.retry_after == 7


async def test_a_date_in_retry_after_is_no_number_of_seconds(client: Client, talk: Conversation) -> None:
    talk.headers = {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
    talk.answer("GET", "nginxes", failure(503, "ServiceUnavailable"))
    with pytest.raises(ApiError) as caught:
        await client.get(NGINXES, "shop", "web")
    assert caught.value.retry_after == 0


@pytest.mark.parametrize(
    ("code", "passing"),
    [(400, False), (403, False), (404, False), (408, True), (409, True), (422, False), (429, True), (500, True)],
)
async def test_what_may_succeed_later_by_itself(client: Client, talk: Conversation, code: int, passing: bool) -> None:
    talk.answer("GET", "pods", failure(code, "Whatever"))
    with pytest.raises(ApiError) as caught:
        await client.list(PODS, "shop")
    assert caught.value.transient is passing


async def test_each_answer_is_counted_and_each_missing_one(talk: Conversation) -> None:
    answers: list[tuple[str, str, int]] = []
    async with Client(ClientConfig(talk.url), answered=lambda *answer: answers.append(answer)) as client:
        await client.create(LEASES, "operators", {})
        with pytest.raises(ApiError):
            await client.get(NGINXES, "shop", "web")
    async with Client(ClientConfig("http://127.0.0.1:1"), answered=lambda *answer: answers.append(answer)) as client:
        with pytest.raises(ApiError, match=r"cannot reach the API server http://127\.0\.0\.1:1: ") as caught:
            await client.list(NGINXES)
    assert (caught.value.unreachable, caught.value.transient) == (True, True)
    assert answers == [("POST", "leases", 200), ("GET", "nginxes", 404), ("GET", "nginxes", 0)]


async def test_a_fence_stops_writes_and_no_reads(client: Client, talk: Conversation) -> None:
    may_write = False
    fenced = client.fenced(lambda: may_write)
    with pytest.raises(ApiError, match="another process may lead now") as caught:
        await fenced.merge(NGINXES, "shop", "web", {}, "status")
    assert (caught.value.reason, caught.value.transient) == ("Fenced", True)
    with pytest.raises(ApiError, match="it is NotFound"):
        await fenced.get(NGINXES, "shop", "web")
    await client.merge(NGINXES, "shop", "web", {}, "status")
    may_write = True
    await fenced.merge(NGINXES, "shop", "web", {}, "status")
    assert talk.heard == ["GET nginxes", "PATCH nginxes", "PATCH nginxes"]


async def test_the_token_is_of_the_moment(talk: Conversation) -> None:
    tokens = iter(["one", "two"])
    connection = ClientConfig(talk.url, token=lambda: next(tokens))
    async with Client(connection) as client:
        await client.create(LEASES, "operators", {})
        await client.create(LEASES, "operators", {})
        with pytest.raises(StopIteration):
            next(tokens)


async def test_a_client_that_is_not_open_says_so(talk: Conversation) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Client(ClientConfig(talk.url)).list(NGINXES)


@pytest.mark.parametrize("resource", [NGINXES, PODS, LEASES])
@pytest.mark.parametrize("at", [(), ("shop",), ("shop", "web"), (None, "web"), ("shop", "web", "status")])
def test_a_path_tells_its_plural(resource: Resource, at: tuple[str, ...]) -> None:
    assert plural_of(resource.path(*at)) == resource.plural
