"""Two operators and one Lease: one acts, the other stands by, and never do both write."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.faults.process import Operator, Start
from tests.support.faults.proxy import Answer, Call, Forward, Proxy, refused, to
from tests.support.namespaces import Namespace, serving
from tests.support.product import IMAGE, NAMESPACE, RELEASE

ELECTION = ("--lease-name", RELEASE, "--lease-namespace", NAMESPACE, "--lease-duration")
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{RELEASE}"


@pytest.fixture
def second_proxy(control_plane: Bed) -> Iterator[Proxy]:
    """What tells the writes of two operators apart."""
    proxy = Proxy()
    with proxy.running(control_plane):
        yield proxy


@pytest.fixture(autouse=True)
def no_lease(control_plane: Bed) -> Iterator[None]:
    """Each test begins without a holder."""
    yield
    control_plane.request("DELETE", LEASE)


def pair(start: Start, namespace: Namespace, second_proxy: Proxy, duration: int) -> tuple[Operator, Operator]:
    """A holder and a standby."""
    first = start(namespace, *ELECTION, str(duration))
    first.wait_log("leading:")
    second = start(namespace, *ELECTION, str(duration), by=second_proxy)
    second.wait_log("standing by:")
    return first, second


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_standby_takes_over(how: signal.Signals, start: Start, namespace: Namespace, second_proxy: Proxy) -> None:
    first, second = pair(start, namespace, second_proxy, 9)
    first.end(how)
    second.wait_log("leading:")
    namespace.apply({"count": 1, "image": IMAGE})
    namespace.wait("nginx", serving(1))


def test_a_holder_that_was_stopped_past_its_lease_writes_nothing(
    proxy: Proxy, start: Start, namespace: Namespace, second_proxy: Proxy
) -> None:
    """Stopped between its last read and its write, which is the worst moment: the write is what it does next."""
    first, second = pair(start, namespace, second_proxy, 6)
    resumed = asyncio.Event()

    async def stop_here(call: Call, forward: Forward) -> Answer:
        answer = await forward()
        first.send(signal.SIGSTOP)
        await resumed.wait()
        return answer

    namespace.apply({"count": 1, "image": IMAGE})
    namespace.wait("nginx", serving(1))
    rule = proxy.add(to("get", "nginxes"), stop_here)
    namespace.kubectl("delete", "service", "web")  # a child that was there is made again after a read
    second.wait_log("leading:")
    namespace.wait("service", bool)
    assert rule.met == 1
    before = len(proxy.writes)
    proxy.call_soon(resumed.set)  # the answer waits in the socket when the process goes on
    until(lambda: not proxy.open, seconds=PATIENCE, what="the answer sent")
    first.send(signal.SIGCONT)
    assert first.exit_code() == 1
    assert "was lost: " in first.text()
    assert [write.call for write in proxy.writes[before:] if write.call.writes or write.status < 300] == []
    assert second.alive


def test_a_holder_that_cannot_renew_writes_nothing_until_it_can(
    proxy: Proxy, start: Start, namespace: Namespace
) -> None:
    operator = start(namespace, *ELECTION, "6")
    operator.wait_log("leading:")
    away = proxy.add(to("update", "leases"), refused(503, "ServiceUnavailable"), times=None)
    operator.wait_log("was not renewed in time; nothing is written until it is")
    before = len(proxy.writes)
    namespace.apply({"count": 1, "image": IMAGE})
    operator.wait_log(
        "this process does not hold the Lease, or could not renew it in time"
    )  # a write that was not made
    assert [write.call for write in proxy.writes[before:] if write.call.writes or write.status < 300] == []
    proxy.remove(away)
    namespace.wait("nginx", serving(1))
    assert "was renewed; writing again" in operator.text()
    assert operator.alive


def test_who_loses_the_lease_ends(start: Start, namespace: Namespace, control_plane: Bed) -> None:
    first = start(namespace, *ELECTION, "15")
    first.wait_log("leading:")
    _, lease = control_plane.request("GET", LEASE)
    lease["spec"] |= {"holderIdentity": "somebody else"}
    control_plane.request("PUT", LEASE, lease)
    assert first.exit_code() == 1
    assert "was lost: somebody else holds it" in first.text()
