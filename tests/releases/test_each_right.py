"""Each right of the chart's roles is needed: without any one of them, somebody says which.

A right is a verb on a resource in one role. It is taken from the live role, the program starts, and does all that it
ever has to until it says what it may not, or has come to the end without. `make campaign` takes each right in turn,
`make test` some of them.
"""

import json
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from nginx_operator.api import names
from nginx_operator.kube.resources import CONFIG_MAPS, DEPLOYMENTS, LEASES, NGINXES, REPLICA_SETS, SECRETS, SERVICES
from testbed import Bed
from testbed.waiting import PATIENCE, until
from tests.support.campaign import CAMPAIGN
from tests.support.faults.process import Operator
from tests.support.kubelet import Kubelet
from tests.support.namespaces import Namespace, fresh, serving
from tests.support.policies import BIG
from tests.support.product import IMAGE, NAMESPACE, RELEASE, Product, Program
from tests.support.report import Report
from tests.support.rights import IMPLIED, MIGRATION, granted, used
from tests.support.roles import Right, may, rights, without
from tests.support.traffic import CONFIGURATIONS, bundles

#: One right in so many is taken away.
STRIDE = 1 if CAMPAIGN else 7
MERGE = {"Content-Type": "application/merge-patch+json"}
#: What has to come about before a life goes on.
Condition = Callable[[], Any]
Life = Iterator[Condition]


@pytest.fixture(scope="module")
def product(control_plane: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The chart with a class of namespaces, whose labels the operator reads."""
    product = Product(control_plane, tmp_path_factory.mktemp("product"))
    product.install(*BIG)
    yield product
    product.unroute()
    product.uninstall()


@pytest.fixture(scope="module")
def webhooks(product: Product) -> Iterator[Program]:
    """The webhooks, with all their rights."""
    program = product.webhooks()
    try:
        program.wait_ready()
        yield program
    finally:
        program.stop()


def of_account(product: Product, account: str) -> list[Right]:
    """The rights that a ServiceAccount has by the chart's roles, but for what is used only where a version comes."""
    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    mine = "-webhooks" if account.endswith("-webhooks") else ""
    found = [
        right
        for right in rights(product.bed, RELEASE)
        if right.path.rsplit("/", 1)[1] in {f"{RELEASE}{mine}", f"{RELEASE}{mine}-classes"}
    ]
    assert all(may(product.bed, user, right) for right in found)
    return [right for right in found if (f"{right.group}/{right.resource}", right.verb) not in MIGRATION]


def says(life: Life, said: Condition) -> bool:
    """Lives until `said` holds. Whether it ever did."""
    for condition in life:
        until(lambda condition=condition: said() or condition(), seconds=PATIENCE, what="a step of the life")
        if said():
            return True
    return bool(said())


def unnoticed(product: Product, account: str, live: Callable[[str], bool]) -> list[str]:
    """The rights without which a whole life goes by and nobody says anything."""
    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    found = []
    for right in of_account(product, account)[::STRIDE]:
        with without(product.bed, right, user):
            if not live(right.refusal):
                found.append(str(right))
    return found


# --- the webhooks -----------------------------------------------------------------------------------------------------


def life_of_webhooks(product: Product, program: Program) -> Life:
    """They make an authority, publish it, and put back what somebody takes away."""
    yield lambda: program.get("/readyz") == 200
    for resource in CONFIGURATIONS:
        wipe = json.dumps([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]).encode()
        headers = {"Content-Type": "application/json-patch+json"}
        status, answer = product.bed.request("PATCH", resource.path(None, RELEASE), wipe, headers)
        assert status == 200, answer
    yield lambda: all(bundles(product.bed))


def live_as_webhooks(product: Product, refusal: str) -> bool:
    """Starts them where there is no authority yet. Whether they say `refusal`."""
    patch(product.bed, SECRETS.path(NAMESPACE, f"{RELEASE}-ca"), {"data": None})
    program = product.webhooks()
    try:
        return says(life_of_webhooks(product, program), lambda: refusal in program.text())
    finally:
        program.stop(signal.SIGKILL)


def test_the_webhooks_say_which_right_they_lack(product: Product, report: Report) -> None:
    account = f"{RELEASE}-webhooks"
    assert not live_as_webhooks(product, "cannot ")  # with all of them there is nothing to say
    assert used(product.bed, NAMESPACE, account).allowed == granted(product.bed, NAMESPACE, account)
    assert unnoticed(product, account, lambda refusal: live_as_webhooks(product, refusal)) == []
    report(f"webhooks: {len(of_account(product, account)[::STRIDE])} rights taken away, each one missed")


# --- the operator -----------------------------------------------------------------------------------------------------


def patch(bed: Bed, path: str, body: Mapping[str, Any]) -> None:
    status, answer = bed.request("PATCH", path, json.dumps(body).encode(), MERGE)
    assert status == 200, answer


def send(bed: Bed, method: str, path: str, body: object = None) -> None:
    status, answer = bed.request(method, path, body)
    assert status in (200, 201, 202, 404), answer


def life_of_operator(web: Namespace, text: Condition) -> Life:
    """All that it ever has to do: leading, a taken name, repairs, Events that count, a pod's events, an adoption."""
    bed, labels = web.bed, {"app": "foreign"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": IMAGE}]}}
    foreign = {
        DEPLOYMENTS: {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod},
        SERVICES: {"ports": [{"port": 80}]},
    }
    for resource, spec in foreign.items():
        body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "web"}, "spec": spec}
        send(bed, "POST", resource.path(web.name), body)
    nginx = {"apiVersion": NGINXES.api_version, "kind": NGINXES.kind, "metadata": {"name": "web"}}
    send(bed, "POST", NGINXES.path(web.name), nginx | {"spec": {"count": 1, "image": IMAGE}})
    yield lambda: "NameConflict" in json.dumps(web.get("nginx"))
    for resource in foreign:
        send(bed, "DELETE", resource.path(web.name, "web"))
    yield lambda: serving(1)(web.get("nginx") or {})
    for _ in range(2):  # the same Event twice is one that counts
        patch(bed, DEPLOYMENTS.path(web.name, "web"), {"spec": {"replicas": 3}})
        yield lambda: (web.get("deployment") or {}).get("spec", {}).get("replicas") == 1
    yield lambda: any(event["reason"] == "Repaired" and event["count"] == 2 for event in web.list("event"))
    patch(bed, SERVICES.path(web.name, "web"), {"spec": {"selector": {"a": "b"}}})
    yield lambda: "a" not in (web.get("service") or {}).get("spec", {}).get("selector", {"a": ""})
    kubelet = Kubelet(web)
    for pod in kubelet.pods():
        kubelet.warn(pod, "Unhealthy", "connection refused")
        kubelet.tell(pod, ready=False)
    yield lambda: "Unhealthy: connection refused" in json.dumps(web.get("nginx"))
    for pod in kubelet.pods():
        kubelet.tell(pod, ready=True)
    patch(bed, DEPLOYMENTS.path(web.name, "web"), {"metadata": {"ownerReferences": None}})
    yield lambda: "ownerReferences" in (web.get("deployment") or {}).get("metadata", {})
    yield from life_of_configurations(web)
    patch(bed, NGINXES.path(web.name, "web"), {"spec": {"service": {"enabled": False}}})
    yield lambda: web.get("service") is None
    yield lambda: "admission works" in text()
    send(bed, "DELETE", NGINXES.path(web.name, "web"))
    yield lambda: web.get("deployment") is None


def life_of_configurations(web: Namespace) -> Life:
    """Three of them. The first one is adopted, and goes when its ReplicaSet has gone."""
    bed = web.bed

    def revision() -> str:
        template = (web.get("deployment") or {}).get("spec", {}).get("template", {})
        return str(template.get("metadata", {}).get("labels", {}).get(names.LABEL_CONFIG, ""))

    def serve(word: str, last: str) -> Life:
        text = f"server {{ listen 8080; return 200 {word}; }}"
        patch(bed, NGINXES.path(web.name, "web"), {"spec": {"config": {"http": {"inline": text}}}})
        yield lambda: revision() != last and serving(1)(web.get("nginx") or {})

    yield from serve("one", "")
    first = revision()
    path = CONFIG_MAPS.path(web.name, f"web-{first}")
    patch(bed, path, {"metadata": {"ownerReferences": None}})
    yield lambda: "ownerReferences" in (bed.get(path) or {}).get("metadata", {})
    yield from serve("two", first)
    for found in web.list("replicaset"):
        if found["metadata"]["labels"].get(names.LABEL_CONFIG) == first:
            send(bed, "DELETE", REPLICA_SETS.path(web.name, found["metadata"]["name"]))
    yield from serve("three", revision())
    yield lambda: bed.get(path) is None


def live_as_operator(product: Product, folder: Path, refusal: str) -> bool:
    """Starts it where no Lease is. Whether it says `refusal`."""
    bed, log = product.bed, folder / "operator.log"
    log.unlink(missing_ok=True)
    send(bed, "DELETE", LEASES.path(NAMESPACE, RELEASE))
    config = yaml.safe_load(product.kubeconfig(RELEASE).read_text())
    config["clusters"][0]["cluster"]["server"] = bed.administrator.server  # a process of this test, out here
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))
    operator = Operator.start(
        [
            *("--lease-name", RELEASE, "--lease-namespace", NAMESPACE, "--lease-duration", "4", *product.policy()),
            *("--admission-probe", "--admission-probe-namespace", NAMESPACE),
        ],
        {"KUBECONFIG": str(kubeconfig), "POD_NAME": "operator"},
        log,
    )
    try:
        with fresh(bed) as namespace:
            return says(life_of_operator(namespace, operator.text), lambda: refusal in operator.text())
    finally:
        operator.end(signal.SIGKILL)


def test_the_operator_says_which_right_it_lacks(
    product: Product, webhooks: Program, tmp_path: Path, report: Report
) -> None:
    assert not live_as_operator(product, tmp_path, '" cannot ')  # as RBAC refuses: User "..." cannot get resource ...
    given = {(what, verb) for _, what, verb in granted(product.bed, NAMESPACE, RELEASE)}

    def unused() -> set[tuple[str, str]]:
        return given - {(what, verb) for _, what, verb in used(product.bed, NAMESPACE, RELEASE).allowed} - MIGRATION

    with suppress(TimeoutError):  # the audit log is a moment behind
        until(lambda: unused() == IMPLIED, seconds=10, what="the last lines of the audit log")
    assert unused() == IMPLIED
    assert unnoticed(product, RELEASE, lambda refusal: live_as_operator(product, tmp_path, refusal)) == []
    report(f"operator: {len(of_account(product, RELEASE)[::STRIDE])} rights taken away, each one missed")


# --- people -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["view", "edit"])
def test_people_need_each_right_of_the_aggregated_roles(
    role: str, product: Product, webhooks: Program, report: Report
) -> None:
    bed, user = product.bed, f"somebody-who-may-{role}"
    taken = [right for right in rights(bed, RELEASE) if right.path.endswith(f"/{RELEASE}-{role}")]
    with fresh(bed) as namespace:
        namespace.apply({"count": 1})
        namespace.kubectl("create", "rolebinding", user, f"--clusterrole={role}", f"--user={user}")
        for right in taken:
            until(
                lambda right=right: may(bed, user, right, namespace.name),
                seconds=PATIENCE,
                what=f"the right to {right}",
            )
            assert ask(namespace, right, user) < 300, right
            with without(bed, right, user, namespace.name):
                assert ask(namespace, right, user) == 403, right
    report(f"{role}: {len(taken)} rights taken away, each one missed")


def ask(namespace: Namespace, right: Right, user: str) -> int:
    """Does, in a dry run, what the right is for; the HTTP status."""
    bed, path = namespace.bed, NGINXES.path(namespace.name)
    target = "/".join([path, "web", *right.resource.split("/")[1:]])
    new = {"apiVersion": NGINXES.api_version, "kind": NGINXES.kind, "metadata": {"generateName": "a-"}, "spec": {}}
    method, where, body = {
        "get": ("GET", target, None),
        "list": ("GET", path, None),
        "watch": ("GET", f"{path}?watch=true&timeoutSeconds=1&fieldSelector=metadata.name=web", None),
        "create": ("POST", f"{path}?dryRun=All", new),
        "update": ("PUT", f"{target}?dryRun=All", bed.get(target)),
        "patch": ("PATCH", f"{target}?dryRun=All", json.dumps({"metadata": {"labels": {"a": "b"}}}).encode()),
        "delete": ("DELETE", f"{target}?dryRun=All", None),
        "deletecollection": ("DELETE", f"{path}?dryRun=All", None),
    }[right.verb]
    headers = {"Impersonate-User": user} | (MERGE if method == "PATCH" else {})
    return bed.request(method, where, body, headers)[0]
