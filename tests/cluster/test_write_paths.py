"""Every path that a spec is written by leads past the validating webhook, and nothing that it refuses is stored.

Only the webhook knows policy: each refusal names it, so none of these is the schema's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from nginx_operator.api import names
from nginx_operator.kube.resources import NGINXES
from testbed.waiting import PATIENCE, until
from tests.support.answers import DENIED
from tests.support.namespaces import Namespace, nginx, serving
from tests.support.product import Product, Program

POLICY = "101 is more than this cluster allows (maxCount is 100)"
MERGE, JSON_PATCH, STRATEGIC, APPLY = (
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
TOO_MANY = {"spec": {"count": 101}}
REPLACE = [{"op": "replace", "path": "/spec/count", "value": 101}]


def request(
    namespace: Namespace, method: str, path: str, body: Any, content_type: str = ""
) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": content_type} if content_type else {}
    return namespace.bed.request(method, f"{NGINXES.path(namespace.name)}{path}", body, headers)


def count(namespace: Namespace) -> int:
    found = namespace.get("nginx")
    assert found is not None
    value: int = found["spec"]["count"]
    return value


@pytest.fixture
def web(namespace: Namespace) -> Namespace:
    """A namespace with an Nginx of 2, settled: a status that comes meanwhile is a conflict for an update."""
    namespace.apply({"count": 2})
    namespace.wait("nginx", serving(2))
    return namespace


@pytest.mark.parametrize("dry_run", ["", "dryRun=All"])
@pytest.mark.parametrize(
    ("method", "path", "body", "content_type"),
    [
        pytest.param("POST", "?", nginx({"count": 101}, name="other"), "", id="create"),
        pytest.param("POST", "?", nginx({"count": 101}, generateName="other-"), "", id="generateName"),
        pytest.param(
            "PATCH", "/other?fieldManager=a&", nginx({"count": 101}, name="other"), APPLY, id="apply that creates"
        ),
        pytest.param("PUT", "/web?", ..., "", id="update"),
        pytest.param("PATCH", "/web?", TOO_MANY, MERGE, id="merge patch"),
        pytest.param("PATCH", "/web?", REPLACE, JSON_PATCH, id="json patch"),
        pytest.param("PATCH", "/web?fieldManager=a&force=true&", nginx({"count": 101}), APPLY, id="server-side apply"),
        pytest.param("PUT", "/web/scale?", ..., "", id="update of scale"),
        pytest.param("PATCH", "/web/scale?", {"spec": {"replicas": 101}}, MERGE, id="merge patch of scale"),
        pytest.param(
            *("PATCH", "/web/scale?"),
            [{"op": "replace", "path": "/spec/replicas", "value": 101}],
            JSON_PATCH,
            id="json patch of scale",
        ),
    ],
)
def test_what_policy_forbids_is_refused_by_the_webhook_and_not_stored(
    web: Namespace, method: str, path: str, body: Any, content_type: str, dry_run: str
) -> None:
    field = "replicas" if "scale" in path else "count"
    if body is ...:
        _, body = request(web, "GET", path.rstrip("?"), None)
        body["spec"][field] = 101
    code, status = request(web, method, path + dry_run, body, content_type)
    assert code == 422
    assert status["message"].startswith(f"{DENIED}: spec.{field}: {POLICY}")
    assert [cause["field"] for cause in status["details"]["causes"]] == [f"spec.{field}"]
    assert [(found["metadata"]["name"], found["spec"]["count"]) for found in web.list("nginx")] == [("web", 2)]


@pytest.mark.parametrize("path", ["/web", "/web/status", "/web/scale"])
def test_a_strategic_merge_patch_is_no_path(web: Namespace, path: str) -> None:
    """The API server has none for custom resources, and says so before it asks anybody."""
    code, status = request(web, "PATCH", path, TOO_MANY, STRATEGIC)
    assert (code, status["reason"]) == (415, "UnsupportedMediaType")
    assert count(web) == 2


@pytest.mark.parametrize("dry_run", ["", "?dryRun=All"])
def test_a_dry_run_shows_the_defaults_and_stores_nothing(namespace: Namespace, dry_run: str) -> None:
    code, found = request(namespace, "POST", f"{dry_run}", nginx({}, generateName="web-"))
    assert code == 201
    assert found["spec"]["count"] == 1
    assert len(namespace.list("nginx")) == (0 if dry_run else 1)


@pytest.mark.parametrize(("method", "content_type"), [("PUT", ""), ("PATCH", MERGE)])
def test_a_write_of_the_status_leaves_the_spec_alone(web: Namespace, method: str, content_type: str) -> None:
    _, body = request(web, "GET", "/web", None)
    body["spec"]["count"] = 101
    del body["metadata"]["managedFields"]
    code, status = request(web, method, "/web/status", body, content_type)
    assert code == 200, status
    assert count(web) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("scale", "nginx", "web", "--replicas=101"), id="scale"),
        pytest.param(("scale", "nginx", "web", "--replicas=101", "--current-replicas=2"), id="scale from"),
        pytest.param(
            ("patch", "nginx", "web", "--subresource=scale", "-p", '{"spec":{"replicas":101}}', "--type=merge"),
            id="patch of scale",
        ),
        pytest.param(("create", "-f", "-"), id="create"),
        pytest.param(("replace", "-f", "-"), id="replace"),
        pytest.param(("apply", "-f", "-"), id="apply"),
        pytest.param(("apply", "--dry-run=server", "-f", "-"), id="apply --dry-run"),
        pytest.param(("apply", "--server-side", "--force-conflicts", "-f", "-"), id="apply --server-side"),
    ],
)
def test_kubectl_shows_the_whole_sentence(web: Namespace, arguments: tuple[str, ...]) -> None:
    name = "other" if arguments[0] == "create" else "web"
    manifest = yaml.safe_dump(nginx({"count": 101}, name=name)) if arguments[-1] == "-" else None
    done = web.kubectl(*arguments, input=manifest, check=False)
    assert done.returncode == 1
    field = "spec.replicas" if "scale" in " ".join(arguments) else "spec.count"
    assert f"{field}: {POLICY}. Use 0 to 100, or ask the cluster's administrator to raise webhooks.policy.maxCount" in (
        done.stderr
    )
    assert [found["spec"]["count"] for found in web.list("nginx")] == [2]


def test_kubectl_edit(web: Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # it keeps there what was refused
    monkeypatch.setenv("KUBE_EDITOR", "sed -i 's/count: 2/count: 101/'")
    done = web.kubectl("edit", "nginx", "web", check=False)
    assert done.returncode == 1
    assert POLICY in "".join(path.read_text() for path in tmp_path.iterdir()) + done.stderr
    assert count(web) == 2
    monkeypatch.setenv("KUBE_EDITOR", "sed -i 's/count: 2/count: 3/'")
    web.kubectl("edit", "nginx", "web")
    assert count(web) == 3


def autoscaler(low: int, high: int) -> str:
    target = {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": "web"}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    return yaml.safe_dump(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web"},
            "spec": {
                "scaleTargetRef": target,
                "minReplicas": low,
                "maxReplicas": high,
                "metrics": [{"type": "Resource", "resource": cpu}],
            },
        }
    )


def test_an_autoscaler_is_refused_too_and_says_why(web: Namespace) -> None:
    """It raises a count below its minReplicas without asking for any metric."""
    web.kubectl("apply", "-f", "-", input=autoscaler(101, 102))

    def refused(found: dict[str, Any]) -> bool:
        conditions = found.get("status", {}).get("conditions", ())
        return any(c["reason"] == "FailedUpdateScale" and DENIED in c["message"] for c in conditions)

    found = web.wait("autoscaler", refused)
    assert any(POLICY in condition["message"] for condition in found["status"]["conditions"])
    assert count(web) == 2
    web.kubectl("apply", "-f", "-", input=autoscaler(3, 4))
    web.wait("nginx", lambda found: found["spec"]["count"] == 3)


@contextmanager
def ended(program: Program) -> Iterator[None]:
    """The program does not run."""
    assert program.stop() == 0
    try:
        yield
    finally:
        program.start_again()


def test_what_changes_no_spec_needs_no_webhook(web: Namespace, running: Product, webhooks: Program) -> None:
    finalizers = {"metadata": {"finalizers": ["example.com/kept"]}}
    with ended(webhooks):
        for code, method, path, body in [
            (200, "PATCH", "/web", {"metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}}}),
            (200, "PATCH", "/web", {"spec": {"count": 2}}),
            (200, "PATCH", "/web", finalizers),
            (200, "PATCH", "/web/status", {"status": {"image": "a:1"}}),
            (200, "PATCH", "/web/scale", {"spec": {"replicas": 2}}),
            (200, "DELETE", "/web", None),
            # It is being deleted, and waits for its finalizer: whatever is written now has no effect.
            (200, "PATCH", "/web", {"spec": {"count": 101}}),
            (200, "PATCH", "/web", {"metadata": {"finalizers": []}}),
            (404, "GET", "/web", None),
        ]:
            found, answer = request(web, method, path, body, MERGE if method == "PATCH" else "")
            assert found == code, (method, path, body, answer.get("message"))


def test_without_webhooks_no_spec_is_stored(web: Namespace, running: Product, webhooks: Program) -> None:
    with ended(webhooks):
        for method, path, body, webhook in [
            ("POST", "", nginx({}, name="other"), names.MUTATING_WEBHOOK),
            ("PATCH", "/web", {"spec": {"count": 3}}, names.MUTATING_WEBHOOK),
            ("PATCH", "/web/scale", {"spec": {"replicas": 3}}, names.VALIDATING_WEBHOOK),
        ]:
            code, status = request(web, method, path, body, MERGE if method == "PATCH" else "")
            assert code == 500
            assert f'failed calling webhook "{webhook}"' in status["message"]
    assert [(found["metadata"]["name"], found["spec"]["count"]) for found in web.list("nginx")] == [("web", 2)]


def test_a_deletion_that_is_only_claimed_excuses_nothing(namespace: Namespace) -> None:
    """The API server drops the deletionTimestamp of what is created, after the webhooks."""
    claimed = {"name": "web", "deletionTimestamp": "2020-01-01T00:00:00Z"}
    code, found = request(namespace, "PATCH", "/web?fieldManager=a", nginx({}, **claimed), APPLY)
    assert (code, found["spec"]["count"]) == (201, 1)
    code, status = request(
        namespace, "PATCH", "/other?fieldManager=a", nginx({"count": 101}, **claimed | {"name": "other"}), APPLY
    )
    assert code == 422
    assert POLICY in status["message"]


def test_an_object_selector_lets_no_scale_pass_by(web: Namespace, running: Product) -> None:
    options = ("matchLabels.checked=yes", "matchExpressions[0].key=a", "matchExpressions[0].operator=NotIn")
    values = [f"webhooks.objectSelector.{option}" for option in (*options, "matchExpressions[0].values={b}")]
    running.install(*[word for value in values for word in ("--set-string", value)])
    try:
        checked = {"checked": "yes"}
        until(
            lambda: request(web, "POST", "?dryRun=All", nginx({"count": 101}, name="other"))[0] == 201,
            seconds=PATIENCE,
            what="the selector in force",
        )
        for more, code in [({}, 422), ({"a": "c"}, 422), ({"a": "b"}, 201), ({"checked": "no"}, 201)]:
            labels = checked | more
            body = nginx({"count": 101}, name="other", labels=labels)
            assert request(web, "POST", "?dryRun=All", body)[0] == code, labels
        code, status = request(web, "PATCH", "/web/scale", {"spec": {"replicas": 101}}, MERGE)
        assert code == 422
        assert status["message"].startswith(f"{DENIED}: spec.replicas: {POLICY}")
    finally:
        running.install()
