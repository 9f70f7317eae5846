"""API versions come and go while Nginx live on: the ladder of docs/versions.md, up and back at each step.

On a real API server, by real Helm. Each chart is upgraded to, rolled back from, and upgraded to again. The operator of
the release before meets the definition of this one, and this one's operator that of the release before.
"""

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from nginx_operator.api import names, schema
from nginx_operator.kube.resources import DEFINITIONS, Resource
from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support import ladder
from tests.support.faults.process import Operator, Start
from tests.support.faults.proxy import Answer, BrokenError, Call, Forward, Proxy
from tests.support.ladder import LADDER, NEW, OLD, Step
from tests.support.namespaces import Namespace, fresh, serving
from tests.support.product import CHART, IMAGE, NAMESPACE, RELEASE, ROOT, Product, Program
from tests.support.rights import used

#: What is there, by kind and name.
State = dict[tuple[str, str], Any]


def nginxes(version: str) -> Resource:
    return Resource(f"{names.GROUP}/{version}", names.PLURAL, names.KIND)


def nginx(version: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": f"{names.GROUP}/{version}", "kind": names.KIND, "metadata": {"name": name}, **more}


def identity(body: dict[str, Any]) -> tuple[str, int]:
    return body["metadata"]["uid"], body["metadata"].get("generation", 0)


@dataclass
class Climb:
    """A release on its way up and down, and what lives in the cluster meanwhile.

    Attributes:
        at: the step that the release is at.
        revisions: of Helm, at which each step was reached last; it forgets earlier ones.
        made: names of the Nginx.
    """

    product: Product
    namespace: Namespace
    charts: dict[str, Path]
    at: str = "before"
    revisions: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    operator: Program | None = None

    @property
    def bed(self) -> Bed:
        return self.product.bed

    @property
    def step(self) -> Step:
        return LADDER[self.at]

    def upgrade(self, to: str) -> None:
        self.product.install(chart=self.charts[to])
        self.revisions[to] = self.revision()

    def roll_back(self, to: str) -> None:
        self.bed.helm("rollback", RELEASE, self.revisions[to], "-n", NAMESPACE)
        self.revisions[to] = self.revision()

    def revision(self) -> str:
        listing = self.bed.helm("history", RELEASE, "-n", NAMESPACE, "--max", "1", "-o", "json").stdout
        return str(json.loads(listing)[0]["revision"])

    def start(self) -> None:
        """Has the operator of the step run, and no other."""
        if self.operator is not None:
            assert self.operator.stop() == 0
        module = ("tests.support.ladder", self.at, "nginx_operator")
        self.operator = self.product.operator("--no-leader-election", module=module, name=f"operator-{self.at}")
        self.operator.wait_ready()

    def go(self, move: Callable[[str], None], to: str) -> None:
        """One step, up or down: today's operator meets the new definition, then that of the new step takes over."""
        earlier, before, lived = self.step, self.state(), list(self.made)
        move(to)
        self.at = to
        self.wait_served()
        self.live_on()
        if self.step.speaks != earlier.speaks:
            self.start()
        self.wait_migrated()
        self.wait_addressed()
        after = self.state(lived)
        assert without_versions(after) == without_versions(before)
        if self.step.speaks == earlier.speaks:
            assert versions(after, "deployment", "service") == versions(before, "deployment", "service")
        if self.step.storage == earlier.storage and to != "un-serve":
            assert versions(after, "nginx") == versions(before, "nginx")
        assert versions(after, "pod") == versions(before, "pod")

    def wait_served(self) -> None:
        """The API server answers as the definition says; it takes a change in after it has stored it."""

        def served(version: str) -> bool:
            try:
                return self.bed.request("GET", nginxes(version).path(self.namespace.name))[0] == 200
            except json.JSONDecodeError:  # of a version that it does not know it says so in plain text
                return False

        until(
            lambda: all(served(version) == (version in self.step.served) for version in (OLD, NEW)),
            seconds=PATIENCE,
            what=f"{self.step.served} served",
        )

    def wait_migrated(self) -> None:
        until(lambda: self.stored_versions() == [self.step.storage], seconds=PATIENCE, what=f"migration at {self.at}")
        if OLD not in self.step.served:
            until(lambda: OLD not in self.writers(), seconds=PATIENCE, what=f"no field owned in {OLD}")

    def writers(self) -> set[str]:
        """The versions that managedFields name."""
        entries = (entry for name in self.made for entry in self.nginx(name)["metadata"]["managedFields"])
        return {entry["apiVersion"].rpartition("/")[2] for entry in entries}

    def wait_addressed(self) -> None:
        """Each child names its owner in the version that the operator speaks, so that it goes with it."""
        wanted = {f"{names.GROUP}/{self.step.speaks}"}

        def found() -> set[str]:
            children = [*self.namespace.list("deployment"), *self.namespace.list("service")]
            return {child["metadata"]["ownerReferences"][0]["apiVersion"] for child in children}

        until(lambda: found() == wanted, seconds=PATIENCE, what=f"owners at {self.at}")

    def stored_versions(self) -> list[str]:
        found = self.bed.get(DEFINITIONS.path(None, names.CRD))
        assert found is not None
        return list(found["status"]["storedVersions"])

    def live_on(self) -> None:
        """In each served version admission works; a new Nginx gets its pod."""
        for version in self.step.served:
            path = f"{nginxes(version).path(self.namespace.name)}?dryRun=All"
            status, answer = self.bed.request("POST", path, nginx(version, "tried"))
            assert (status, answer.get("spec", {}).get("count")) == (201, 1), answer
            status, answer = self.bed.request("POST", path, nginx(version, "tried", spec={"count": 101}))
            assert f'"{names.VALIDATING_WEBHOOK}" denied the request' in answer["message"]
        name, version = f"web-{len(self.made)}", self.step.served[len(self.made) % len(self.step.served)]
        status, answer = self.bed.request("POST", nginxes(version).path(self.namespace.name), nginx(version, name))
        assert status == 201, answer
        self.made.append(name)
        until(lambda: serving(1)(self.nginx(name)), seconds=PATIENCE, what=f"{name} serving")

    def nginx(self, name: str) -> dict[str, Any]:
        found = self.bed.get(nginxes(self.step.served[0]).path(self.namespace.name, name))
        assert found is not None
        return found

    def state(self, of: list[str] | None = None) -> State:
        """Each Nginx, Deployment, Service and pod: what it is, and its resourceVersion."""
        found: State = {}
        for name in self.made if of is None else of:
            one = self.nginx(name)
            found["nginx", name] = (identity(one), one["spec"], one["status"]), one["metadata"]["resourceVersion"]
            for kind in ("deployment", "service"):
                child = self.namespace.get(kind, name)
                assert child is not None
                found[kind, name] = (identity(child), child["spec"]), child["metadata"]["resourceVersion"]
            for pod in one["status"]["nodes"]:
                (live,) = (each for each in self.namespace.list("pod") if each["metadata"]["name"] == pod)
                found["pod", pod] = identity(live), live["metadata"]["resourceVersion"]
        return found

    def refused(self, to: str, version: Literal[3, 4]) -> str:
        """What Helm says to an upgrade that is not to be; nothing has been touched."""
        revision, crd = self.revision(), self.bed.get(DEFINITIONS.path(None, names.CRD))
        command = ("upgrade", RELEASE, str(self.charts[to]), "-n", NAMESPACE, "--reset-then-reuse-values")
        done = self.bed.helm(*command, version=version, check=False)
        assert done.returncode != 0
        assert (self.revision(), self.bed.get(DEFINITIONS.path(None, names.CRD))) == (revision, crd)
        return done.stderr


def without_versions(state: State) -> State:
    return {key: what for key, (what, _) in state.items()}


def versions(state: State, *kinds: str) -> State:
    return {key: version for key, (_, version) in state.items() if key[0] in kinds}


@pytest.fixture
def climb(control_plane: Bed, account: Path, tmp_path: Path) -> Iterator[Climb]:
    """The release before the first step with webhooks, in place of the chart, which is put back at the end."""
    product = Product(control_plane, tmp_path)
    charts = ladder.write(CHART, tmp_path)
    with fresh(control_plane) as namespace:
        climb = Climb(product, namespace, charts)
        climb.upgrade("before")
        webhooks = product.webhooks()
        try:
            webhooks.wait_ready()
            climb.start()
            yield climb
        finally:
            for program in (webhooks, climb.operator):
                if program is not None:
                    program.stop()
            restore_definition(control_plane, product)


def restore_definition(bed: Bed, product: Product) -> None:
    """The real chart's definition, with no Nginx and no other version stored."""
    bed.kubectl("delete", "crd", names.CRD)
    product.install("--set", "webhooks.enabled=false")


#: By step: a chart that is no neighbour, and why Helm does not touch anything for it.
TOO_FAR = {
    "before": ("store", f"stores Nginx as {NEW}, which the cluster does not serve yet"),
    "serve": ("drop", f"may still be stored as {OLD}"),
    "store": ("before", f"may still be stored as {NEW}"),
}


def test_up_the_ladder_and_back_at_each_step(climb: Climb) -> None:
    climb.live_on()
    climb.namespace.kubectl("patch", "nginx", "web-0", "--type=merge", "-p", '{"spec": {"paused": true}}')
    until(lambda: climb.nginx("web-0")["status"].get("observedGeneration") == 2, seconds=PATIENCE, what="a pause")
    for low, high in pairwise(LADDER):
        if low in TOO_FAR:
            chart, why = TOO_FAR[low]
            assert why in climb.refused(chart, 4)
            assert why in climb.refused(chart, 3)
        if low == "store":
            look_around(climb)
        if low == "un-serve":
            be_the_operator(climb)
        climb.go(climb.upgrade, high)
        climb.go(climb.roll_back, low)
        climb.go(climb.upgrade, high)
    # Whoever wrote in the old version goes on in the new one, and children go with their owners.
    apply_all(climb)
    run_as_documented(climb, "managedFields")
    apply_all(climb)
    climb.namespace.kubectl("delete", "nginx", "--all")
    until(lambda: not climb.namespace.list("deployment"), seconds=PATIENCE, what="no Deployment left")
    done = used(climb.bed, NAMESPACE, RELEASE)
    assert not done.forbidden
    assert ("", "apiextensions.k8s.io/customresourcedefinitions/status", "patch") in done.allowed


def look_around(climb: Climb) -> None:
    """Where both versions are served and the new one is stored: what users and administrators meet."""
    by_old_name = climb.namespace.kubectl("get", f"{names.PLURAL}.{OLD}.{names.GROUP}")
    assert f"Warning: {ladder.WARNING}" in by_old_name.stderr
    # Helm does not ask the guards at a rollback. The API server refuses, and the release that was left mends it.
    two_back = climb.bed.helm("rollback", RELEASE, climb.revisions["before"], "-n", NAMESPACE, check=False)
    assert two_back.returncode != 0
    assert "status.storedVersions" in two_back.stderr
    climb.roll_back("store")
    climb.live_on()
    assert climb.operator is not None
    assert climb.operator.stop() == 0
    both = json.dumps({"status": {"storedVersions": [OLD, NEW]}})
    climb.bed.kubectl("patch", "crd", names.CRD, "--subresource=status", "--type=merge", "-p", both)
    assert f"may still be stored as {OLD}" in climb.refused("un-serve", 4)
    run_as_documented(climb, "storedVersions")
    assert climb.stored_versions() == [NEW]
    climb.operator.start_again()


def be_the_operator(climb: Climb) -> None:
    """With the right to patch Nginx, for their managedFields, its account still changes nothing else of them."""
    user = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
    headers = {"Content-Type": "application/merge-patch+json", "Impersonate-User": user}
    path = f"{nginxes(NEW).path(climb.namespace.name, climb.made[0])}?dryRun=All"

    def refused(change: dict[str, Any]) -> bool:
        status, answer = climb.bed.request("PATCH", path, change, headers)
        return status == 422 and "only the status and the managedFields" in answer["message"]

    for change in ({"spec": {"count": 3}}, {"metadata": {"labels": {"a": "b"}}}):
        # An API server takes a new admission policy a moment after it is stored.
        until(partial(refused, change), seconds=PATIENCE, what=f"the refusal of {change}")


def run_as_documented(climb: Climb, word: str) -> None:
    """Runs what docs/versions.md gives administrators of operators that do not migrate: the commands with that word."""
    page = (ROOT / "docs" / "versions.md").read_text("utf-8")
    blocks = re.findall(r"^```console[^\n]*\n(\$ kubectl get nginxes -A .*?)^```", page, re.MULTILINE | re.DOTALL)
    (block,) = (block for block in blocks if word in block)
    script = re.sub(r"^\$ ", "", block, flags=re.MULTILINE)
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=climb.bed.environment, check=True)


def apply_all(climb: Climb) -> None:
    """Applies each Nginx in the new version, by the server."""
    for name in climb.made:
        applied = yaml.safe_dump(nginx(NEW, name, spec={"count": 1}))
        climb.namespace.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=applied)


def test_killed_while_it_migrates_it_is_followed_by_one_that_finishes(
    control_plane: Bed, proxy: Proxy, start: Start, namespace: Namespace, tmp_path: Path
) -> None:
    made = [f"web-{number}" for number in range(4)]
    define(control_plane, "store")
    for name in made:
        namespace.apply({"count": 0, "image": IMAGE}, name)
    settling = start(namespace)
    for name in made:
        namespace.wait_reason("Stopped", name)
    settling.end()
    try:
        define(control_plane, "serve")  # a rollback, to what the real operator speaks
        before = resource_versions(namespace)
        operators: list[Operator] = []

        async def killed(_call: Call, _forward: Forward) -> Answer:
            operators[0].kill()
            raise BrokenError

        calls = 0

        def third(call: Call) -> bool:
            nonlocal calls
            calls += (call.namespace, call.resource, call.body) == (namespace.name, "nginxes/status", b"{}")
            return calls == 3

        proxy.add(third, killed)
        operators.append(start(None))
        assert operators[0].exit_code() == -signal.SIGKILL
        between = resource_versions(namespace)
        assert [before[name] != between[name] for name in made] == [True, True, False, False]
        operators.append(start(None))
        operators[1].wait_log("migrated: each of")
        assert operators[1].end() == 0
        after = resource_versions(namespace)
        assert [between[name] != after[name] for name in made] == [False, False, True, True]
        crd = control_plane.get(DEFINITIONS.path(None, names.CRD))
        assert crd is not None
        assert crd["status"]["storedVersions"] == [OLD]
    finally:
        restore_definition(control_plane, Product(control_plane, tmp_path))


def define(bed: Bed, step: str) -> None:
    """Applies the definition of a step."""
    text = yaml.safe_dump(ladder.definition(schema.crd(), LADDER[step]))
    bed.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=text)


def resource_versions(namespace: Namespace) -> dict[str, str]:
    def told() -> Any:
        # An API server answers 429 for a moment after a definition has changed.
        status, answer = namespace.bed.request("GET", f"/apis/{names.GROUP}/{OLD}/namespaces/{namespace.name}/nginxes")
        return answer["items"] if status == 200 else None

    found = until(told, seconds=PATIENCE, what="an answer by the changed definition")
    return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in found}
