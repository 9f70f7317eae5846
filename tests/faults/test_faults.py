"""One fault at a time, at every call: the end is the same as without."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from testbed.waiting import PATIENCE, until
from tests.support.faults.process import Start
from tests.support.faults.proxy import Answer, Call, Fault, Forward, Proxy, Watching, lost_answer, refused, reset, to
from tests.support.namespaces import Namespace, serving
from tests.support.product import IMAGE

#: What an operator of one namespace says to the API server while it makes an Nginx.
CALLS = {
    ("list", "nginxes"),
    ("watch", "nginxes"),
    *((verb, plural) for verb in ("list", "watch") for plural in ("deployments", "services", "pods")),
    ("get", "nginxes"),
    ("patch", "deployments"),
    ("patch", "services"),
    ("patch", "nginxes/status"),
    ("create", "events"),
}


def first_of_each(met: set[tuple[str, str]]) -> Callable[[Call], bool]:
    """Matches the first call of every verb to every resource, and notes it in `met`."""

    def matches(call: Call) -> bool:
        kind = (call.verb, call.resource)
        new = kind not in met
        met.add(kind)
        return new

    return matches


async def gone_in_the_stream(call: Call, forward: Forward) -> Answer:
    """A watch whose first line is the ERROR event of a compacted history; other calls get the status alone."""
    gone = await refused(410, "Expired")(call, forward)
    if call.verb == "watch":
        return Answer(200, b'{"type":"ERROR","object":' + gone.body + b"}\n", gone.headers)
    return gone


FAULTS: dict[str, Fault] = {
    "conflict": refused(409, "Conflict"),
    "too many requests": refused(429, "TooManyRequests", retry_after=1),
    "internal error": refused(500, "InternalError"),
    "unavailable": refused(503, "ServiceUnavailable"),
    "gateway timeout": refused(504, "Timeout"),
    "forbidden": refused(403, "Forbidden"),
    "invalid": refused(422, "Invalid"),
    "gone": refused(410, "Expired"),
    "gone in the stream": gone_in_the_stream,
    "reset": reset,
    "lost answer": lost_answer,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_at_the_first_call_of_each_kind(fault: Fault, proxy: Proxy, start: Start, namespace: Namespace) -> None:
    met: set[tuple[str, str]] = set()
    namespace.apply({"count": 2, "image": IMAGE})
    proxy.add(first_of_each(met), fault, times=None)
    operators = [start(namespace)]

    def served(count: int) -> Callable[[dict[str, Any]], bool]:
        def condition(nginx: dict[str, Any]) -> bool:
            if not operators[-1].alive:  # kopf gives up at some answers; the kubelet starts it again
                assert "kopf ended on an error that it does not retry" in operators[-1].text()
                operators.append(start(namespace))
            return serving(count)(nginx)

        return condition

    namespace.wait("nginx", served(2))
    namespace.apply({"count": 1, "image": IMAGE, "service": {"enabled": False}})
    namespace.wait("nginx", served(1))
    namespace.wait_gone("service")
    assert met >= {*CALLS, ("delete", "services")}
    assert len(operators) <= 3
    assert "failed; again" not in operators[-1].text()  # a fault is no surprise: each is met by name


def test_what_somebody_creates_at_the_last_moment_is_not_taken_over(
    proxy: Proxy, start: Start, namespace: Namespace
) -> None:
    """A Service without a selector conflicts with nothing that we apply; only its being there does."""
    theirs = {"kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"name": "http", "port": 80}]}}

    async def somebody_is_faster(_: Call, forward: Forward) -> Answer:
        status, _body = namespace.bed.request("POST", f"/api/v1/namespaces/{namespace.name}/services", theirs)
        assert status == 201
        return await forward()

    proxy.add(to("patch", "services"), somebody_is_faster)
    namespace.apply({"count": 1, "image": IMAGE})
    start(namespace)
    assert "Service web exists" in namespace.wait_reason("NameConflict")["message"]
    found = namespace.get("service")
    assert found is not None
    assert "selector" not in found["spec"]
    assert "ownerReferences" not in found["metadata"]


def test_retry_after_is_honoured(proxy: Proxy, start: Start, namespace: Namespace) -> None:
    asked: list[float] = []

    async def busy(call: Call, forward: Forward) -> Answer:
        asked.append(time.monotonic())
        return await (refused(429, "TooManyRequests", retry_after=2)(call, forward) if len(asked) < 3 else forward())

    namespace.apply({"count": 1, "image": IMAGE})
    proxy.add(to("patch", "deployments"), busy, times=None)
    proxy.add(to("patch", "nginxes/status"), refused(409, "Conflict"))  # which asks for no delay, and must not win
    start(namespace)
    namespace.wait("nginx", serving(1))
    first, second, third, *_ = asked
    assert second - first >= 2
    assert third - second >= 2


@pytest.mark.parametrize("broken", [False, True], ids=["ended", "broken"])
@pytest.mark.parametrize("lines", range(5))
def test_watches_that_end_after_so_many_lines(
    lines: int, broken: bool, proxy: Proxy, start: Start, namespace: Namespace
) -> None:
    proxy.watching[""] = Watching(cut_after=lines, broken=broken)
    start(namespace)
    namespace.apply({"count": 1, "image": IMAGE})
    if lines == 0:  # nothing comes by a watch: what comes, comes by its next list
        proxy.watching[""] = Watching(cut_after=1, broken=broken)
    namespace.wait("nginx", serving(1))
    namespace.kubectl("delete", "deployment", "web")
    namespace.wait("nginx", serving(1))


def test_what_is_deleted_while_a_watch_is_dead_comes_back(proxy: Proxy, start: Start, namespace: Namespace) -> None:
    namespace.apply({"count": 1, "image": IMAGE})
    start(namespace)
    namespace.wait("nginx", serving(1))
    before = namespace.get("deployment")
    assert before is not None
    proxy.watching["deployments"] = Watching(silent=True)
    proxy.cut()
    until(lambda: _watches(proxy, "deployments") >= 2, seconds=PATIENCE, what="a second watch")
    namespace.kubectl("delete", "deployment", "web")
    del proxy.watching["deployments"]
    proxy.add(to("watch", "deployments"), refused(410, "Expired"))  # its history is compacted: only a list tells
    proxy.cut()
    namespace.wait("deployment", lambda found: found["metadata"]["uid"] != before["metadata"]["uid"])
    namespace.wait("nginx", serving(1))


def test_an_owner_that_went_while_the_operator_was_down(proxy: Proxy, start: Start, namespace: Namespace) -> None:
    namespace.apply({"count": 1, "image": IMAGE})
    first = start(namespace)
    namespace.wait("nginx", serving(1))
    assert first.end() == 0
    namespace.kubectl("delete", "nginx", "web", "--wait")
    seen = len(proxy.writes)
    namespace.apply({"count": 1, "image": IMAGE}, "other")
    start(namespace)
    namespace.wait("nginx", serving(1), "other")
    namespace.wait_gone("deployment")
    assert [write.call for write in proxy.writes[seen:] if write.call.name == "web"] == []


@pytest.mark.parametrize(
    ("children", "words"),
    [(False, "the spec has changed; waiting for the cache to catch up"), (True, "the children are as they should be")],
    ids=["before the children", "before the change"],
)
def test_the_past_overwrites_nothing(
    children: bool, words: str, proxy: Proxy, start: Start, namespace: Namespace
) -> None:
    """Time travel: an operator that is shown a genuine older state must not undo what happened since."""
    namespace.apply({"count": 3, "image": IMAGE})
    version = _version(namespace)
    first = start(namespace)
    namespace.wait("nginx", serving(3))
    version = _version(namespace) if children else version
    namespace.apply({"count": 1, "image": IMAGE, "service": {"enabled": False}})
    namespace.wait("nginx", serving(1))
    namespace.wait_gone("service")
    assert first.end() == 0
    now = {kind: namespace.get(kind) for kind in ("nginx", "deployment", "service")}

    async def as_it_was(call: Call, forward: Forward) -> Answer:
        call.query.update({"resourceVersion": version, "resourceVersionMatch": "Exact"})
        return await forward()

    proxy.add(lambda call: call.verb == "list", as_it_was, times=None)
    proxy.watching[""] = Watching(silent=True)
    seen = len(proxy.writes)
    second = start(namespace)
    second.wait_log(words)
    assert second.end() == 0
    assert [write.call for write in proxy.writes[seen:] if write.status < 300] == []
    assert {kind: namespace.get(kind) for kind in ("nginx", "deployment", "service")} == now


def _version(namespace: Namespace) -> str:
    """The version that the whole cluster has now."""
    status, found = namespace.bed.request("GET", f"/api/v1/namespaces/{namespace.name}/pods")
    assert status == 200
    version: str = found["metadata"]["resourceVersion"]
    return version


def _watches(proxy: Proxy, resource: str) -> int:
    return sum(call.verb == "watch" and call.resource == resource for call in proxy.calls)
