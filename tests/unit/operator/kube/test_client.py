"""What the client says when the API server refuses, is away, or must not be written to."""

import pytest

from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.errors import LONGEST_RETRY_AFTER, ApiError
from nginx_operator.kube.resources import DEPLOYMENTS, LEASES, NGINXES, PODS, Resource, plural_of
from tests.support.apiserver.faults import Answer, refused
from tests.support.apiserver.server import ApiServer

WEB = NGINXES.path("shop", "web")
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}


async def test_an_apply_names_its_field_manager(client: Client, api: ApiServer) -> None:
    await client.apply(DEPLOYMENTS, "shop", "web", DEPLOYMENT, force=False)
    assert api.calls == ["patch deployments"]
    assert api.requests[0].query == {"fieldManager": "nginx-operator", "force": "false"}


async def test_a_deletion_is_of_one_version_of_one_object(client: Client, api: ApiServer) -> None:
    path = DEPLOYMENTS.path("shop", "web")
    live = api.put(path, DEPLOYMENT)["metadata"]
    for uid, version in [("another", live["resourceVersion"]), (live["uid"], "9")]:
        with pytest.raises(ApiError, match="Operation cannot be fulfilled") as caught:
            await client.delete(DEPLOYMENTS, "shop", "web", uid=uid, resource_version=version)
        assert caught.value.code == 409
    await client.delete(DEPLOYMENTS, "shop", "web", uid=live["uid"], resource_version=live["resourceVersion"])
    assert path not in api.objects


async def test_a_refusal_carries_what_the_server_said(client: Client, api: ApiServer) -> None:
    refusal = refused(409, "Conflict", "it is Conflict", "FieldManagerConflict", retry_after=3)
    api.faults.next("patch", "deployments", refusal)
    with pytest.raises(ApiError, match="it is Conflict") as caught:
        await client.apply(DEPLOYMENTS, "shop", "web", {}, force=False)
    error = caught.value
    assert (error.code, error.reason, error.causes) == (409, "Conflict", {"FieldManagerConflict"})
    assert (error.retry_after, error.transient, error.unreachable) == (3, True, False)


async def test_the_header_retry_after_counts_more_than_the_body(client: Client, api: ApiServer) -> None:
    refusal = refused(429, "TooManyRequests", retry_after=1, headers={"Retry-After": "7"})
    api.faults.next("get", "nginxes", refusal)
    with pytest.raises(ApiError) as caught:
        await client.get(NGINXES, "shop", "web")
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("header", "of_status", "seconds"),
    [
        ("60", 0, 60),
        ("3600", 0, LONGEST_RETRY_AFTER),  # a maintenance page must not park an Nginx for an hour
        ("9" * 5000, 0, LONGEST_RETRY_AFTER),
        ("", 3600, LONGEST_RETRY_AFTER),
        ("", 10**30, LONGEST_RETRY_AFTER),
        ("", -5, 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0, 0),  # a date is no number of seconds
        ("Wed, 21 Oct 2026 07:28:00 GMT", 7, 7),
        ("\N{SUPERSCRIPT TWO}", 0, 0),
        ("-1", 0, 0),
        ("1.5", 0, 0),
    ],
)
async def test_a_retry_after_is_bounded(
    client: Client, api: ApiServer, header: str, of_status: int, seconds: float
) -> None:
    headers = {"Retry-After": header} if header else {}
    api.faults.next("get", "nginxes", refused(503, "ServiceUnavailable", retry_after=of_status, headers=headers))
    with pytest.raises(ApiError) as caught:
        await client.get(NGINXES, "shop", "web")
    assert caught.value.retry_after == seconds


async def test_a_maintenance_page_is_an_error_with_a_bounded_delay(client: Client, api: ApiServer) -> None:
    page = Answer(503, b"<html>back in an hour</html>", {"Retry-After": "3600", "Content-Type": "text/html"})
    api.faults.next("list", "nginxes", page)
    with pytest.raises(ApiError) as caught:
        await client.list(NGINXES, "shop")
    assert (caught.value.code, caught.value.retry_after) == (503, LONGEST_RETRY_AFTER)
    assert caught.value.message == "503 Service Unavailable"


@pytest.mark.parametrize(
    ("code", "passing"),
    [(400, False), (403, False), (404, False), (408, True), (409, True), (422, False), (429, True), (500, True)],
)
async def test_what_may_succeed_later_by_itself(client: Client, api: ApiServer, code: int, passing: bool) -> None:
    api.faults.next("list", "pods", refused(code, "Whatever"))
    with pytest.raises(ApiError) as caught:
        await client.list(PODS, "shop")
    assert caught.value.transient is passing


async def test_each_answer_is_counted_and_each_missing_one(api: ApiServer) -> None:
    answers: list[tuple[str, str, int]] = []
    async with Client(ClientConfig(api.url), answered=lambda *answer: answers.append(answer)) as client:
        await client.create(LEASES, "operators", {"metadata": {"name": "one"}})
        with pytest.raises(ApiError):
            await client.get(NGINXES, "shop", "web")
    async with Client(ClientConfig("http://127.0.0.1:1"), answered=lambda *answer: answers.append(answer)) as client:
        with pytest.raises(ApiError, match=r"cannot reach the API server http://127\.0\.0\.1:1: ") as caught:
            await client.list(NGINXES)
    assert (caught.value.unreachable, caught.value.transient) == (True, True)
    assert answers == [("POST", "leases", 201), ("GET", "nginxes", 404), ("GET", "nginxes", 0)]


async def test_a_fence_stops_writes_and_no_reads(client: Client, api: ApiServer) -> None:
    may_write = False
    fenced = client.fenced(lambda: may_write)
    with pytest.raises(ApiError, match="does not hold the Lease") as caught:
        await fenced.merge(NGINXES, "shop", "web", {}, "status")
    assert (caught.value.reason, caught.value.transient) == ("Fenced", True)
    api.put(WEB, {})
    await fenced.get(NGINXES, "shop", "web")
    await client.merge(NGINXES, "shop", "web", {}, "status")
    may_write = True
    await fenced.merge(NGINXES, "shop", "web", {}, "status")
    assert api.calls == ["get nginxes", "patch nginxes", "patch nginxes"]


async def test_the_token_is_of_the_moment(api: ApiServer) -> None:
    tokens = iter(["one", "two"])
    connection = ClientConfig(api.url, token=lambda: next(tokens))
    async with Client(connection) as client:
        for name in ("a", "b"):
            await client.create(LEASES, "operators", {"metadata": {"name": name}})
        with pytest.raises(StopIteration):
            next(tokens)
    assert [request.headers["Authorization"] for request in api.requests] == ["Bearer one", "Bearer two"]


async def test_a_client_that_is_not_open_says_so(api: ApiServer) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Client(ClientConfig(api.url)).list(NGINXES)


@pytest.mark.parametrize("resource", [NGINXES, PODS, LEASES])
@pytest.mark.parametrize("at", [(), ("shop",), ("shop", "web"), (None, "web"), ("shop", "web", "status")])
def test_a_path_tells_its_plural(resource: Resource, at: tuple[str, ...]) -> None:
    assert plural_of(resource.path(*at)) == resource.plural
