"""API versions come and go while Nginx live on: the ladder of docs/versions.md, up and back at each step.

On a real API server, by real Helm. Each chart is upgraded to, rolled back from, and upgraded to again. The operator of
the release before meets the definition of this one, and this one's operator that of the release before.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nginx_operator.api import names
from nginx_operator.cluster.resources import DEFINITIONS, Resource
from tests.cluster.product import CHART, NAMESPACE, RELEASE, Product, Program
from tests.faults import ladder
from tests.faults.conftest import Start
from tests.faults.ladder import LADDER, NEW, OLD, Step
from tests.faults.proxy import Answer, BrokenError, Call, Forward, Proxy
from tests.namespaces import Namespace, fresh, serving
from tests.rights import used
from tests.testbed import Bed
from tests.testbed.waiting import PATIENCE, until

#: What may not change: by kind and name, that which tells.
State = dict[tuple[str, str], Any]


def nginxes(version: str) -> Resource:
    return Resource(f"{names.GROUP}/{version}", names.PLURAL, names.KIND)


@dataclass
class Climb:
    """A release on its way up, and what lives in the cluster meanwhile."""

    product: Product
    namespace: Namespace
    charts: dict[str, Path]
    made: list[str] = field(default_factory=list)

    @property
    def bed(self) -> Bed:
        return self.product.bed

    def upgrade(self, to: str) -> None:
        self.product.install(chart=self.charts[to])

    def refused(self, to: str, *options: str, version: Any = 4) -> str:
        """What Helm says to an upgrade that is not to be."""
        command = ("upgrade", RELEASE, str(self.charts[to]), "-n", NAMESPACE, "--reuse-values", *options)
        done = self.bed.helm(*command, version=version, check=False)
        assert done.returncode != 0
        return done.stderr

    def revision(self) -> int:
        listing = self.bed.helm("history", RELEASE, "-n", NAMESPACE, "--max", "1", "-o", "json").stdout
        return int(json.loads(listing)[0]["revision"])

    def roll_back(self, revision: int) -> "subprocess.CompletedProcess[str]":
        return self.bed.helm("rollback", RELEASE, str(revision), "-n", NAMESPACE, check=False)

    def operator(self, step: Step) -> Program:
        """The operator of a release."""
        module = ("tests.faults.ladder", step_name(step), "nginx_operator")
        program = self.product.operator("--no-leader-election", module=module, name=f"operator-{step_name(step)}")
        program.wait_ready()
        return program

    def definition(self) -> dict[str, Any]:
        found = self.bed.get(DEFINITIONS.path(None, names.CRD))
        assert found is not None
        return found

    def stored_versions(self) -> list[str]:
        return list(self.definition()["status"]["storedVersions"])

    def wait_migrated(self, step: Step) -> None:
        until(lambda: self.stored_versions() == [step.storage], seconds=PATIENCE, what=f"migration to {step.storage}")

    def wait_served(self, step: Step) -> None:
        """The API server answers as the definition says; it takes a change in after it has stored it."""

        def as_said() -> bool:
            answers = {
                version: self.bed.request("GET", nginxes(version).path(self.namespace.name))[0]
                for version in (OLD, NEW)
            }
            return answers == {version: 200 if version in step.served else 404 for version in (OLD, NEW)}

        until(as_said, seconds=PATIENCE, what=f"{step.served} served")

    def live_on(self, step: Step) -> None:
        """In each served version admission works; a new Nginx gets its pod."""
        for version in step.served:
            path = f"{nginxes(version).path(self.namespace.name)}?dryRun=All"
            body = {"apiVersion": f"{names.GROUP}/{version}", "kind": names.KIND, "metadata": {"name": "tried"}}
            status, answer = self.bed.request("POST", path, body)
            assert (status, answer.get("spec", {}).get("count")) == (201, 1), answer
            status, answer = self.bed.request("POST", path, {**body, "spec": {"count": 101}})
            assert status == 422, answer
            assert f'"{names.VALIDATING_WEBHOOK}" denied the request' in answer["message"]
        name, version = f"web-{len(self.made)}", step.served[-1]
        body = {"apiVersion": f"{names.GROUP}/{version}", "kind": names.KIND, "metadata": {"name": name}}
        status, answer = self.bed.request("POST", nginxes(version).path(self.namespace.name), body)
        assert status == 201, answer
        self.made.append(name)
        until(lambda: serving(1)(self.nginx(step, name)), seconds=PATIENCE, what=f"{name} serving")

    def nginx(self, step: Step, name: str) -> dict[str, Any]:
        found = self.bed.get(nginxes(step.served[-1]).path(self.namespace.name, name))
        assert found is not None
        return found

    def state(self, step: Step, of: list[str]) -> State:
        """What no step may change: of each Nginx, Deployment, Service and pod."""
        found: State = {}
        for name in of:
            nginx = self.nginx(step, name)
            found["nginx", name] = identity(nginx), nginx["spec"], nginx["status"]
            for kind in ("deployment", "service"):
                child = self.namespace.get(kind, name)
                assert child is not None
                found[kind, name] = identity(child), child["spec"], child["metadata"]["resourceVersion"]
        for pod in self.namespace.list("pod"):
            if pod["metadata"]["labels"]["app.kubernetes.io/instance"] in of:
                found["pod", pod["metadata"]["name"]] = identity(pod), pod["metadata"]["resourceVersion"]
        return found


def step_name(step: Step) -> str:
    return next(name for name, found in LADDER.items() if found is step)


def identity(body: dict[str, Any]) -> tuple[str, int]:
    return body["metadata"]["uid"], body["metadata"].get("generation", 0)


@pytest.fixture
def climb(control_plane: Bed, account: Path, tmp_path: Path) -> Iterator[Climb]:
    """The release before the first step, with its webhooks, in place of the chart; which is put back."""
    product = Product(control_plane, tmp_path)
    charts = ladder.write(CHART, tmp_path)
    product.install("--set", "webhooks.enabled=true", chart=charts["before"])
    webhooks = product.webhooks()
    try:
        webhooks.wait_ready()
        with fresh(control_plane) as namespace:
            yield Climb(product, namespace, charts)
    finally:
        webhooks.stop()
        control_plane.kubectl("delete", "crd", names.CRD)
        product.install("--set", "webhooks.enabled=false")


def test_explore(climb: Climb, proxy: Proxy, start: Start) -> None:
    before = LADDER["before"]
    operator = climb.operator(before)
    climb.live_on(before)
    climb.namespace.kubectl("patch", "nginx", "web-0", "--type=merge", "-p", '{"spec":{"paused":true}}')
    climb.live_on(before)
    steps = list(LADDER.values())
    for low, high in zip(steps, steps[1:]):
        print("==", step_name(low), "->", step_name(high), flush=True)
        revision = climb.revision()
        names_before = list(climb.made)
        state = climb.state(low, names_before)
        climb.upgrade(step_name(high))
        climb.wait_served(high)
        if low.speaks in high.served:
            climb.live_on(high)  # the earlier release's operator
        if low.speaks != high.speaks:
            operator.stop()
            operator = climb.operator(high)
        climb.wait_migrated(high)
        after = climb.state(high, names_before)
        if after != state:
            for k in state:
                if state[k] != after.get(k):
                    print("CHANGED", k, state[k], after.get(k))
        print(climb.stored_versions())
        done = climb.bed.kubectl(
            "-n", climb.namespace.name, "get", "nginx", climb.made[0], "-o", "yaml", "--show-managed-fields"
        )
        if high is steps[-1]:
            print(done.stdout)
            for name in climb.made:
                r = climb.bed.kubectl(
                    "-n",
                    climb.namespace.name,
                    "apply",
                    "--server-side",
                    "-f",
                    "-",
                    input=json.dumps(
                        {
                            "apiVersion": f"{names.GROUP}/{NEW}",
                            "kind": "Nginx",
                            "metadata": {"name": name, "labels": {"x": "y"}},
                        }
                    ),
                    check=False,
                )
                print("SSA", name, r.returncode, r.stdout, r.stderr)
        climb.live_on(high)
        if "v1alpha1" not in high.served:
            for name in climb.made[:2]:
                dep = climb.namespace.get("deployment", name)
                print(name, dep and dep["metadata"]["ownerReferences"])
        if high is steps[-1]:
            for name in climb.made[:3]:
                climb.namespace.kubectl("delete", "nginx", name)
                try:
                    until(lambda: climb.namespace.get("deployment", name) is None, seconds=20, what="gc")
                    print("GC fine", name)
                except TimeoutError:
                    print("GC NOT", name)
    print(operator.text()[-5000:])
    operator.stop()
