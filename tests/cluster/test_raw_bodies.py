"""Bodies as bytes, for what kubectl mends or hides before it sends: duplicate keys, numbers beyond any type, nulls."""

import pytest

from nginx_operator.api import names
from nginx_operator.kube.resources import NGINXES
from tests.support.answers import DENIED
from tests.support.namespaces import Namespace, nginx
from tests.support.product import IMAGE


def create(namespace: Namespace, rest: str, options: str = "") -> tuple[int, str, dict[str, object]]:
    """Code, message and stored spec of a create whose body ends with `rest`."""
    head = f'{{"apiVersion": "{names.API_VERSION}", "kind": "{names.KIND}", "metadata": {{"name": "web"}}'
    code, answer = namespace.bed.request("POST", f"{NGINXES.path(namespace.name)}{options}", f"{head}{rest}}}".encode())
    return code, answer.get("message", ""), answer.get("spec", {})


@pytest.mark.parametrize(
    ("rest", "count"),
    [
        ("", 1),
        (', "spec": null', 1),
        (', "spec": {}', 1),
        (', "spec": {"count": null, "image": null}', 1),
        (', "spec": {"count": 0}', 0),
        (', "spec": {"count": -0}', 0),
        (', "spec": {"count": 3.0}', 3),
        (', "spec": {"count": 3e0}', 3),
        (', "spec": {"count": 101}, "spec": {}', 1),  # the last one counts
        (', "spec": {"count": 101, "count": 3}', 3),
        (', "spec": {"count": 3}, "unknown": ' + "[" * 400 + "]" * 400, 3),
    ],
)
def test_any_shape_gets_its_defaults_and_keeps_what_was_written(namespace: Namespace, rest: str, count: int) -> None:
    code, message, spec = create(namespace, rest)
    assert code == 201, message
    assert (spec["count"], spec["image"]) == (count, IMAGE)
    found = namespace.get("nginx")
    assert found is not None
    assert found["spec"] == spec


@pytest.mark.parametrize(
    ("rest", "code", "words"),
    [
        pytest.param(', "spec": []', 422, "spec in body must be of type object", id="list"),
        pytest.param(', "spec": "x"', 422, "spec in body must be of type object", id="text"),
        pytest.param(', "spec": 0', 422, "spec in body must be of type object", id="number"),
        pytest.param(', "spec": false', 422, "spec in body must be of type object", id="false"),
        pytest.param(', "spec": {"count": "x"}', 422, "spec.count in body must be of type integer", id="count x"),
        pytest.param(', "spec": {"count": 3.5}', 422, "spec.count in body must be of type int", id="3.5"),
        pytest.param(', "spec": {"count": true}', 422, "spec.count in body must be of type int", id="true"),
        pytest.param(', "spec": {"count": [3]}', 422, "spec.count in body must be of type integer", id="[3]"),
        pytest.param(', "spec": {"count": -1}', 422, "spec.count in body should be greater than or equal", id="-1"),
        pytest.param(f', "spec": {{"count": {2**31}}}', 422, "spec.count", id="2^31"),
        pytest.param(f', "spec": {{"count": {2**63}}}', 422, "spec.count", id="2^63"),
        pytest.param(f', "spec": {{"count": {10**30}}}', 422, "spec.count", id="10^30"),
        pytest.param(', "spec": {"count": 1e400}', 400, "1e400", id="1e400"),
        pytest.param(', "spec": {"count": 3, "count": 101}', 422, f"{DENIED}: spec.count: 101", id="twice"),
        pytest.param(', "spec": {}, "spec": {"count": 101}', 422, f"{DENIED}: spec.count: 101", id="spec twice"),
        pytest.param(', "spec": {"count": 3.0, "image": "a:1"}', 422, "expected int64", id="3.0, nothing to default"),
        pytest.param(', "spec": {"count": 101.0}', 422, f"{DENIED}: spec.count: 101", id="101.0"),
        pytest.param(', "spec": {"count": ' + "[" * 5000 + "]" * 5000 + "}", 500, "nested too deeply", id="deep"),
        pytest.param(', "spec": ' + "[" * 20000 + "]" * 20000, 400, "exceeded max depth", id="too deep for JSON"),
    ],
)
def test_what_is_invalid_is_refused_and_not_stored(namespace: Namespace, rest: str, code: int, words: str) -> None:
    found, message, _ = create(namespace, rest)
    assert (found, words in message) == (code, True), message
    assert namespace.get("nginx") is None
    assert create(namespace, "")[0] == 201  # and the webhooks answer on


def test_duplicate_keys_are_refused_to_whoever_asks_for_strictness(namespace: Namespace) -> None:
    code, message, _ = create(namespace, ', "spec": {"count": 1, "count": 1}', "?fieldValidation=Strict")
    assert code == 400
    assert 'duplicate field "spec.count"' in message
    assert namespace.get("nginx") is None


@pytest.mark.parametrize("options", [(), ("--server-side",)], ids=["apply", "server-side"])
def test_defaults_are_written_once(namespace: Namespace, options: tuple[str, ...]) -> None:
    """Whoever applies the same manifest again changes nothing: what was filled in is not theirs."""
    for _ in range(3):
        namespace.apply({"paused": True}, "web", *options)
        found = namespace.get("nginx")
        assert found is not None
        assert found["metadata"]["generation"] == 1
        assert (found["spec"]["count"], found["spec"]["image"]) == (1, IMAGE)
    code, found = namespace.bed.request(
        "PUT", NGINXES.path(namespace.name, "web"), nginx({"paused": True}, **meta(found))
    )
    assert code == 200
    assert (found["spec"]["count"], found["metadata"]["generation"]) == (1, 1)


def meta(found: dict[str, object]) -> dict[str, object]:
    metadata = found["metadata"]
    assert isinstance(metadata, dict)
    return {"name": metadata["name"], "resourceVersion": metadata["resourceVersion"]}
