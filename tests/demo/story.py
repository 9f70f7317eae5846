"""What the demo shows, in order. Each chapter checks what it has shown and stops the demo when something is not so."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.waiting import until
from tests.demo import claims
from tests.demo.console import Answer, Console, DemoError
from tests.demo.places import NAMESPACE, RELEASE, Place
from tests.support.answers import ready_condition

EXAMPLES = Path("examples")
SAMPLE, DEFAULTS, REFUSED = "nginx-sample", "nginx-defaults", "nginx-refused"
COUNT, SCALED = 3, 5
PATIENCE = "--timeout=180s"


@dataclass(frozen=True)
class Policy:
    """What the installed release fills in and allows, from its values."""

    default_count: int
    max_count: int
    image: str

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Policy:
        """Take it from the chart's values."""
        bounds = values["webhooks"]["policy"]
        return cls(bounds["defaultCount"], bounds["maxCount"], values["nginx"]["image"])


class Story:
    """The chapters, told on a console about one place."""

    def __init__(self, console: Console, place: Place) -> None:
        self._console = console
        self._place = place

    def tell(self) -> None:
        """Tell all of it.

        Raises:
            DemoError: something is not as it should be.
        """
        self._install()
        policy = self._policy()
        self._clean_slate()
        self._sample()
        self._page()
        self._refusals(policy)
        self._defaults(policy)
        self._scale(policy)
        self._repair()
        self._deletion()

    # --- chapters -----------------------------------------------------------------------------------------------------

    def _install(self) -> None:
        self._console.heading("Install the operator with Helm")
        found = self._console.ask(["helm", "status", RELEASE, "-n", NAMESPACE, "--output=json"])
        commands = self._place.install(json.loads(found.out)["info"]["status"] if found.code == 0 else None)
        if not commands:
            self._console.say(f"The release {RELEASE} is there already and is left as it is.")
        for words in commands:
            self._must(self._console.run(words, progress=self._rollout))
        self._must(self._console.run(["kubectl", "get", "deployments", "-n", NAMESPACE]))

    def _policy(self) -> Policy:
        answer = self._ask_json("helm", "get", "values", RELEASE, "-n", NAMESPACE, "--all", "--output=json")
        policy = Policy.of(answer)
        if policy.max_count < SCALED:
            raise DemoError(f"the demo scales to {SCALED} pods, and webhooks.policy.maxCount is {policy.max_count}")
        return policy

    def _clean_slate(self) -> None:
        """Remove what an earlier demo left, quietly: the objects of this demo only."""
        if self._place.namespace_is_ours:
            there = self._console.ask(["kubectl", "get", "namespace", self._place.namespace]).code == 0
            if not there:
                self._must(self._console.run(["kubectl", "create", "namespace", self._place.namespace]))
        for name in (SAMPLE, DEFAULTS, REFUSED):
            self._must(self._console.ask(self._kubectl("delete", "nginx", name, "--ignore-not-found")))
            self._must(self._console.ask(self._gone(name)))

    def _sample(self) -> None:
        self._console.heading(f"An Nginx with count {COUNT}")
        self._console.say((EXAMPLES / "01-nginx-sample.yaml").read_text(encoding="utf-8").rstrip())
        self._must(self._run("apply", "-f", str(EXAMPLES / "01-nginx-sample.yaml")))
        self._wait_for_ready(SAMPLE, COUNT)
        self._must(self._run("get", "nginx"))
        self._must(self._run("get", "pods", "-l", f"app.kubernetes.io/instance={SAMPLE}"))
        self._claim(claims.pods_run(self._pods(SAMPLE), COUNT))
        self._must(self._run("get", f"nginx/{SAMPLE}", "-o", "yaml"))
        self._claim(claims.status_names_pods(self._nginx(SAMPLE), self._pods(SAMPLE)))

    def _page(self) -> None:
        self._console.heading("nginx answers through the Service")
        self._must(self._run("get", "service", SAMPLE))
        address = self._ask_json(*self._kubectl("get", "service", SAMPLE, "-o", "json"))["spec"]["clusterIP"]
        words, shown = self._place.page(address, SAMPLE)
        # The node learns of ready pods a moment after the status does.
        self._until(lambda: self._console.ask(words).code == 0, f"an answer of the Service {SAMPLE}")
        self._claim(claims.page_of_nginx(self._must(self._console.run(words, shown=shown)).out))

    def _refusals(self, policy: Policy) -> None:
        self._console.heading("What is wrong is refused before it is stored, with a sentence that says what to do")
        over = policy.max_count + 1
        self._refuse(over, ("spec.count", f"{over} is more than", f"maxCount is {policy.max_count}", "Use "))
        self._refuse(-1, ("spec.count", "greater than or equal to 0"))
        self._refuse("three", ("spec.count", "must be of type integer"))
        listing = self._console.ask(self._kubectl("get", "nginx", REFUSED, "--ignore-not-found", "-o", "name"))
        self._claim(claims.nothing_left(listing.out))

    def _refuse(self, count: object, words: Sequence[str]) -> None:
        document = (
            "apiVersion: proxy.example.com/v1alpha1\n"
            "kind: Nginx\n"
            f"metadata: {{name: {REFUSED}}}\n"
            f"spec: {{count: {json.dumps(count)}}}\n"
        )
        answer = self._run("apply", "-f", "-", document=document)
        self._claim(claims.refused(answer.code, answer.said, words))

    def _defaults(self, policy: Policy) -> None:
        self._console.heading("An Nginx without a count gets the default")
        self._must(self._run("apply", "-f", str(EXAMPLES / "02-defaults.yaml")))
        self._must(self._run("get", f"nginx/{DEFAULTS}", "-o", "jsonpath={.spec.count} {.spec.image}"))
        self._claim(claims.defaulted(self._nginx(DEFAULTS), policy.default_count, policy.image))
        self._wait_for_ready(DEFAULTS, policy.default_count)

    def _scale(self, policy: Policy) -> None:
        self._console.heading("Scale it, within what is allowed")
        self._must(self._run("scale", f"nginx/{SAMPLE}", f"--replicas={SCALED}"))
        self._wait_for_ready(SAMPLE, SCALED)
        self._must(self._run("get", f"nginx/{SAMPLE}", "-o", "jsonpath={.status.nodes}"))
        self._claim(claims.status_names_pods(self._nginx(SAMPLE), self._pods(SAMPLE)))
        over = policy.max_count + 1
        answer = self._run("scale", f"nginx/{SAMPLE}", f"--replicas={over}")
        self._claim(claims.refused(answer.code, answer.said, (f"{over} is more than", "Use ")))

    def _repair(self) -> None:
        self._console.heading("What somebody removes comes back")
        self._must(self._run("delete", "service", SAMPLE))
        back = self._kubectl("get", "service", SAMPLE)
        self._until(lambda: self._console.ask(back).code == 0, f"the return of the Service {SAMPLE}")
        self._must(self._console.run(back))

    def _deletion(self) -> None:
        self._console.heading("Deletion leaves nothing behind")
        self._must(self._run("delete", f"nginx/{DEFAULTS}"))
        self._must(self._console.run(self._gone(DEFAULTS)))
        listing = self._run("get", self._children, "-l", f"app.kubernetes.io/instance={DEFAULTS}", "-o", "name")
        self._claim(claims.nothing_left(listing.out))
        if not listing.said:
            self._console.say("(nothing)")

    # --- words --------------------------------------------------------------------------------------------------------

    _children = "nginxes,deployments,replicasets,pods,services,endpointslices"

    def _kubectl(self, *words: str) -> list[str]:
        flags = ["-n", self._place.namespace] if self._place.namespace_is_ours else []
        return ["kubectl", *flags, *words]

    def _run(self, *words: str, document: str | None = None) -> Answer:
        return self._console.run(self._kubectl(*words), document=document)

    def _gone(self, name: str) -> list[str]:
        """The command that waits until the children of `name` are gone; the garbage collector removes them."""
        what = "deployment,replicaset,pod,service"
        return self._kubectl("wait", "--for=delete", what, "-l", f"app.kubernetes.io/instance={name}", PATIENCE)

    def _wait_for_ready(self, name: str, count: int) -> None:
        # Two lines, since a Ready that belongs to an older count would satisfy the second alone.
        counted = f"--for=jsonpath={{.status.readyCount}}={count}"
        words = self._kubectl("wait", f"nginx/{name}", counted, PATIENCE)
        answer = self._console.run(words, progress=lambda: self._told(name))
        if answer.code == 0:
            answer = self._run("wait", f"nginx/{name}", "--for=condition=Ready", PATIENCE)
        if answer.code != 0:
            raise DemoError(f"{name} did not become ready: {self._told(name)}")

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        try:
            until(condition, seconds=60, what=what)
        except TimeoutError as error:
            raise DemoError(str(error)) from None

    def _told(self, name: str) -> str:
        found = self._console.ask(self._kubectl("get", f"nginx/{name}", "-o", "json"))
        if found.code != 0:
            return found.said
        return ready_condition(json.loads(found.out)).get("message", "no status yet")

    def _rollout(self) -> str:
        found = self._console.ask(["kubectl", "get", "deployments", "-n", NAMESPACE, "-o", "json"])
        items = json.loads(found.out)["items"] if found.code == 0 else []
        numbers = [
            f"{item['metadata']['name']} {item['status'].get('readyReplicas', 0)} of {item['spec']['replicas']} ready"
            for item in items
        ]
        return ", ".join(numbers) or "rendering the chart"

    def _nginx(self, name: str) -> Mapping[str, Any]:
        return self._ask_json(*self._kubectl("get", f"nginx/{name}", "-o", "json"))

    def _pods(self, name: str) -> Sequence[Mapping[str, Any]]:
        selector = f"app.kubernetes.io/instance={name},app.kubernetes.io/managed-by=nginx-operator"
        items = self._ask_json(*self._kubectl("get", "pods", "-l", selector, "-o", "json"))["items"]
        return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]

    def _ask_json(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._must(self._console.ask(words)).out)
        return found

    def _must(self, answer: Answer) -> Answer:
        if answer.code != 0:
            raise DemoError(f"`{answer.typed}` ended with {answer.code}: {answer.said[-1500:]}")
        return answer

    def _claim(self, fault: str | None) -> None:
        if fault is not None:
            raise DemoError(fault)
