"""The operator is killed around each of its writes; what comes after the restart equals a run without a crash.

A workload is what a user does; the operator is down while it happens, and meets it when it starts. The reference run
counts the operator's writes; then there is one run for each write and each of two moments: the write has not reached
the API server, or it is stored and the operator has not heard. A kill after it has heard is the first moment of the
next write; after the last one there is one more run.

CAMPAIGN=N does it all N times, because no two runs meet the cluster's controllers at the same point.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import pytest

from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.answers import ready_condition
from tests.support.campaign import TURNS
from tests.support.faults.process import Operator, Start
from tests.support.faults.proxy import Answer, BrokenError, Call, Forward, Proxy
from tests.support.namespaces import Namespace, fresh, serving
from tests.support.product import IMAGE

OTHER_IMAGE = "docker.io/nginxinc/nginx-unprivileged:1.29-alpine"
#: Runs at the same time, each in a namespace of its own: they wait more than they work.
AT_ONCE = 3
Moment = Literal["before", "stored"]
#: What is there, and the creates and deletes that led there, by kind.
End = tuple[dict[str, Any], Counter[str]]


@dataclass(frozen=True)
class Workload:
    """What a user does.

    Attributes:
        before: the spec that is in force when it begins, or None.
        act: does it.
        count: pods that serve in the end.
        service: whether there is a Service in the end.
    """

    before: Mapping[str, Any] | None
    act: Callable[[Namespace], object]
    count: int
    service: bool = True


def _applied(**spec: Any) -> Callable[[Namespace], object]:
    return lambda namespace: namespace.apply({"image": IMAGE, **spec})


def _replaced(namespace: Namespace) -> None:
    namespace.kubectl("delete", "nginx", "web", "--wait")
    namespace.apply({"count": 2, "image": IMAGE})


WORKLOADS = {
    "create": Workload(None, _applied(count=2), 2),
    "scale up": Workload({"count": 1}, _applied(count=3), 3),
    "scale to zero": Workload({"count": 2}, _applied(count=0), 0),
    "change image": Workload({"count": 1}, _applied(count=1, image=OTHER_IMAGE), 1),
    "service off": Workload({"count": 1}, _applied(count=1, service={"enabled": False}), 1, service=False),
    "service on": Workload({"count": 1, "service": {"enabled": False}}, _applied(count=1), 1),
    "delete and create": Workload({"count": 1}, _replaced, 2),
}


@dataclass
class Kill:
    """Kills the operator at its `number`-th write in a namespace, counted from 0.

    Attributes:
        operator: to be killed; to be set before the write comes.
        done: whether it has happened.
    """

    namespace: str
    number: int
    moment: Moment
    operator: Operator | None = None
    done: bool = False
    seen: int = 0

    def matches(self, call: Call) -> bool:
        """Whether this is the write."""
        if not call.writes or call.namespace != self.namespace:
            return False
        self.seen += 1
        return self.seen == self.number + 1

    async def fault(self, _call: Call, forward: Forward) -> Answer:
        """Does it."""
        if self.moment == "stored":
            await forward()
        assert self.operator is not None
        self.operator.kill()
        self.done = True
        raise BrokenError


@pytest.mark.parametrize("turn", range(TURNS))
@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS.keys())
def test_killed_around_each_write(
    turn: int, workload: Workload, control_plane: Bed, proxy: Proxy, start: Start
) -> None:
    with fresh(control_plane) as namespace:
        _begin(namespace, workload, start)
        first = len(proxy.writes)
        operator = start(namespace)
        _wait_until_done(namespace, workload)
        operator.kill()  # the moment after the last write
        operator = start(namespace)
        operator.wait_log("the children are as they should be")
        operator.kill()
        reference = _end(namespace, proxy, first)
        number = len([write for write in proxy.writes[first:] if write.call.writes])
    assert number >= 2

    def end(at: int, moment: Moment) -> End:
        with fresh(control_plane) as namespace:
            return _run_killed(namespace, workload, Kill(namespace.name, at, moment), proxy, start)

    moments: tuple[Moment, ...] = ("before", "stored")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {(at, moment): pool.submit(end, at, moment) for at, moment in product(range(number), moments)}
    for (at, moment), run in runs.items():
        assert run.result() == reference, f"killed {moment} write {at}"


def _run_killed(namespace: Namespace, workload: Workload, kill: Kill, proxy: Proxy, start: Start) -> End:
    _begin(namespace, workload, start)
    first = len(proxy.writes)
    rule = proxy.add(kill.matches, kill.fault)
    kill.operator = start(namespace)
    # With a status to coalesce, a run may need one write less than the reference had.
    until(lambda: kill.done or _is_done(namespace, workload), seconds=PATIENCE, what="the kill")
    proxy.remove(rule)
    kill.operator.kill()
    operator = start(namespace)
    _wait_until_done(namespace, workload)
    operator.kill()
    return _end(namespace, proxy, first)


def _begin(namespace: Namespace, workload: Workload, start: Start) -> None:
    """Bring the namespace to where the workload begins, do what the user does, with the operator down."""
    if workload.before is not None:
        namespace.apply({"image": IMAGE, **workload.before})
        operator = start(namespace)
        namespace.wait("nginx", serving(workload.before["count"]))
        assert operator.end() == 0
    workload.act(namespace)


def _wait_until_done(namespace: Namespace, workload: Workload) -> None:
    until(lambda: _is_done(namespace, workload), seconds=PATIENCE, what="the end of the workload")


def _is_done(namespace: Namespace, workload: Workload) -> bool:
    nginx = namespace.get("nginx")
    assert nginx is not None
    if workload.count and not serving(workload.count)(nginx):
        return False
    reason = ready_condition(nginx).get("reason")
    generations = nginx["metadata"]["generation"], nginx.get("status", {}).get("observedGeneration")
    settled = generations[0] == generations[1] and reason == ("Ready" if workload.count else "Stopped")
    return settled and (namespace.get("service") is not None) == workload.service


def _end(namespace: Namespace, proxy: Proxy, first: int) -> End:
    """What is there now, without what differs from run to run; creates and deletes by kind since `first`."""
    state: dict[str, Any] = {}
    for kind in ("nginx", "deployment", "service"):
        found = namespace.get(kind)
        if found is not None:
            state[kind] = {
                "spec": {k: v for k, v in found["spec"].items() if k not in ("clusterIP", "clusterIPs")},
                "labels": found["metadata"].get("labels"),
                "owner": [(owner["kind"], owner["name"]) for owner in found["metadata"].get("ownerReferences", ())],
            }
    status = (namespace.get("nginx") or {})["status"]
    state["status"] = {key: status.get(key) for key in ("count", "readyCount", "image", "selector")}
    effects = Counter(
        f"{'delete' if write.call.verb == 'delete' else 'create'} {write.call.resource}"
        for write in proxy.writes[first:]
        if write.call.namespace == namespace.name
        and write.call.writes
        and ((write.call.verb == "delete" and write.status == 200) or write.status == 201)
    )
    return state, effects
