"""What the API server would refuse only later, when the Service or a pod is made: refused at once, in words."""

from typing import Any

import pytest

from nginx_operator.api import near_misses
from nginx_operator.api.policy import Policy
from nginx_operator.api.validation import validate
from nginx_operator.api.validation.field_errors import MAX_NAME_LENGTH

POLICY = Policy(default_count=1, min_count=0, max_count=100, default_image="example.com/nginx:1.30")
VALID: dict[str, Any] = {"count": 3, "image": "example.com/nginx:1.30"}
DIGEST = "@sha256:" + "0f" * 32


def errors(spec: dict[str, Any], **more: Any) -> list[str]:
    return [str(error) for error in validate("web", VALID | spec, POLICY, **more).errors]


@pytest.mark.parametrize(
    "image",
    [
        "nginx:1",
        f"nginx{DIGEST}",
        f"localhost:5000/a/b:1{DIGEST}",
        "Registry.Example.com:443/team/nginx_unprivileged:1.30-alpine",
        "a.b-c__d/e.f:T_1",
    ],
)
def test_an_image_that_runtimes_parse_passes(image: str) -> None:
    assert errors({"image": image}) == []


@pytest.mark.parametrize(
    "image",
    [
        *("Nginx:1", "example.com/Nginx:1", "nginx:", "nginx:a:b", "nginx@sha256:0f", "a//b:1", "a/b/:1", "nginx@1"),
        *("a-.b/c:1", "a-/c", f"nginx{DIGEST[:-1]}", f"nginx{DIGEST}0", f"nginx{DIGEST.upper().replace('SHA', 'sha')}"),
        "nginx@md5:" + 32 * "0",
    ],
)
def test_an_image_that_no_node_can_pull_is_refused(image: str) -> None:
    (error,) = errors({"image": image})
    assert error.startswith(f'spec.image: "{image}" is not an image that a node can pull')
    assert errors({"image": image}, old_spec={"image": image}) == []  # in force already


#: A domain of 250 characters: a label's prefix may have three more, and a quota's prefix needs nine.
LONG_DOMAIN = ".".join(["a" * 62] * 4)[:250]


def resources(requests: dict[str, Any] | None = None, limits: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"resources": {"requests": requests or {}, "limits": limits or {}}}


@pytest.mark.parametrize(
    "spec",
    [
        resources({"cpu": 1, "memory": "64Mi", "ephemeral-storage": "1Gi"}, {"cpu": "1"}),
        resources({"cpu": "0.1m", "memory": 0}),
        resources({"example.com/gpu": 1}, {"example.com/gpu": "1"}),
        resources(limits={"hugepages-2Mi": "4Mi", "memory": "1Gi"}),
        resources({"cpu": "0.0005"}, {"cpu": "0.0001"}),  # 1m both, as they are stored
        resources({"kubernetes.io/foo": "0.5"}),
        resources({"foo.kubernetes.io/bar": 1}, {"foo.kubernetes.io/bar": 2}),
        resources(limits={"example.com/gpu": "0.9999"}),  # 1
    ],
)
def test_resources_that_a_pod_may_have_pass(spec: dict[str, Any]) -> None:
    assert errors(spec) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (resources({"cpus": "1"}), "requests.cpus: unknown resource; did you mean cpu?"),
        (resources(limits={"requests.cpu": 1}), "limits.requests.cpu: unknown resource; use cpu, memory, "),
        (resources(limits={"a//b": 1}), "limits.a//b: unknown resource; use cpu, memory, "),
        (resources(limits={"hugepages-": 1}), "limits.hugepages-: unknown resource; use cpu, memory, "),
        (resources(limits={"hugepages-0": 0, "cpu": 1}), "limits.hugepages-0: unknown resource; "),
        (resources(limits={"hugepages--1": 0, "cpu": 1}), "limits.hugepages--1: unknown resource; "),
        (resources(limits={"hugepages-1m": 1, "cpu": 1}), "limits.hugepages-1m: unknown resource; "),
        (resources(limits={"hugepages-1e40": 1, "cpu": 1}), "limits.hugepages-1e40: unknown resource; "),
        (resources(limits={"requests.example.com/gpu": 1}), "limits.requests.example.com/gpu: unknown resource; "),
        (resources(limits={f"{LONG_DOMAIN}/gpu": 1}), 'limits."aaa'),
        (
            resources(limits={"hugepages-2Mi": "3Mi", "memory": "1Gi"}),
            'limits.hugepages-2Mi: "3Mi" must be a multiple of 2Mi',
        ),
        (resources(limits={"hugepages-2Mi": "4Mi"}), "limits.hugepages-2Mi: needs cpu or memory beside it"),
        (resources({"memory": -5}), "requests.memory: -5 must be 0 or more"),
        (resources({"memory": "1e99"}), 'requests.memory: "1e99" is more than a quantity can hold'),
        (resources({"cpu": 2}, {"cpu": 1}), "requests.cpu: 2 is more than the limit 1; lower one or raise the other"),
        (resources(limits={"example.com/gpu": "0.5"}), 'limits.example.com/gpu: "0.5" must be a whole number'),
        (resources({"example.com/gpu": 1}), "requests.example.com/gpu: 1 must also be the limit: example.com/gpu "),
        (
            resources({"example.com/gpu": 1}, {"example.com/gpu": 2}),
            "requests.example.com/gpu: 1 must also be the limit: example.com/gpu cannot be shared",
        ),
    ],
)
def test_resources_that_no_pod_may_have_are_refused(spec: dict[str, Any], expected: str) -> None:
    (error,) = errors(spec)
    assert error.startswith(f"spec.resources.{expected}")


def service(**fields: Any) -> dict[str, Any]:
    return {"service": {"type": "LoadBalancer", **fields}}


def ranges(*networks: str) -> dict[str, Any]:
    return service(loadBalancerSourceRanges=list(networks))


RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"


@pytest.mark.parametrize(
    "spec",
    [
        service(annotations={"tier": "a", "Example.com/Tier_1": "b", "a.b-c/d.e": ""}),
        service(loadBalancerClass="example.com/internal"),
        service(loadBalancerSourceRanges=["192.0.2.0/24", "2001:DB8::/32", "0.0.0.0/0", "64:ff9b::192.0.2.0/120"]),
        service(annotations={RANGES: " 192.0.2.0/24, 2001:db8::/32"}),
        service(annotations={RANGES: ""}),
        service(annotations={RANGES: "ignored"}, loadBalancerSourceRanges=["192.0.2.0/24"]),
        service(annotations={f"a{number}": "x" * 4075 for number in range(64)}),
    ],
)
def test_a_service_that_the_api_server_takes_passes(spec: dict[str, Any]) -> None:
    assert errors(spec) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (service(annotations={"a b": ""}), 'annotations: the key "a b" must be a name such as tier or '),
        (service(annotations={"a//b": ""}), 'annotations: the key "a//b" must be a name such as tier or '),
        (service(annotations={"a/" + "b" * 64: ""}), 'annotations: the key "a/bbb'),
        (service(annotations={"": ""}), 'annotations: the key "" must be a name'),
        (service(loadBalancerClass="a//b"), 'loadBalancerClass: "a//b" must be a name such as tier or '),
        (
            service(annotations={f"a{number}": "x" * 4096 for number in range(64)}),
            "annotations: 262326 bytes in all are",
        ),
        (service(annotations={RANGES: "192.0.2.0/24,x"}), f'annotations.{RANGES}: "x" is not a network such as '),
        (service(annotations={RANGES: "::/0,"}), f'annotations.{RANGES}: "" is not a network such as '),
        (service(annotations={RANGES: ""}, type="NodePort"), f"annotations.{RANGES}: needs type LoadBalancer"),
        (ranges("192.0.2.1/24"), 'loadBalancerSourceRanges[0]: "192.0.2.1/24" must be written as 192.0.2.0/24'),
        (ranges("2001:db8::1/32"), 'loadBalancerSourceRanges[0]: "2001:db8::1/32" must be written as 2001:db8::/32'),
        (ranges("192.0.2.0/024"), 'loadBalancerSourceRanges[0]: "192.0.2.0/024" must be written as 192.0.2.0/24'),
        (ranges("::ffff:192.0.2.0/120"), 'loadBalancerSourceRanges[0]: "::ffff:192.0.2.0/120" must be written as a '),
        (service(annotations={RANGES: "fe80::%a/64"}), f'annotations.{RANGES}: "fe80::%a/64" is not a network'),
        (
            service(loadBalancerSourceRanges=["192.0.2.0/24", "1.2.3/33"]),
            'loadBalancerSourceRanges[1]: "1.2.3/33" is not a network such as 192.0.2.0/24 or 2001:db8::/32',
        ),
    ],
)
def test_a_service_that_the_api_server_refuses_is_refused_first(spec: dict[str, Any], expected: str) -> None:
    (error,) = errors(spec)
    assert error.startswith(f"spec.service.{expected}")


@pytest.mark.parametrize(
    ("old", "new", "warned"),
    [
        ({"loadBalancerClass": "a"}, {"loadBalancerClass": "b"}, True),
        ({"loadBalancerClass": "a"}, {}, True),
        ({}, {"loadBalancerClass": "a"}, True),
        ({"loadBalancerClass": "a"}, {"loadBalancerClass": "a"}, False),
        ({"loadBalancerClass": "a", "enabled": False}, {"loadBalancerClass": "b"}, False),
        ({"type": "ClusterIP"}, {"loadBalancerClass": "a"}, False),
    ],
)
def test_another_class_of_a_load_balancer_is_allowed_with_a_warning(
    old: dict[str, Any], new: dict[str, Any], warned: bool
) -> None:
    found = validate("web", VALID | service(**new), POLICY, old_spec=VALID | service(**old))
    assert found.errors == []
    assert [warning.split(":")[0] for warning in found.warnings] == ["spec.service.loadBalancerClass"] * warned


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        pytest.param({}, {"type": "NodePort"}, True, id="the type alone changes"),
        pytest.param({"loadBalancerSourceRanges": ["192.0.2.0/24"]}, {}, True, id="the field hid it"),
        pytest.param({}, {"externalTrafficPolicy": "Local"}, False, id="in force already"),
    ],
)
def test_a_stored_annotation_is_judged_again_once_it_counts(
    old: dict[str, Any], new: dict[str, Any], refused: bool
) -> None:
    annotated = {"annotations": {RANGES: "x"}}
    found = errors(service(**annotated, **new), old_spec=VALID | service(**annotated, **old))
    assert bool(found) == refused


def test_while_it_is_paused_a_service_that_was_switched_off_is_there_still() -> None:
    old = VALID | service(loadBalancerClass="a", enabled=False)
    new = VALID | service(loadBalancerClass="b")
    assert validate("web", new, POLICY, old_spec=old).warnings == []
    warning, paused = validate("web", {**new, "paused": True}, POLICY, old_spec={**old, "paused": True}).warnings
    assert paused.startswith("spec.paused is true")
    assert warning == "spec.service.loadBalancerClass: a Service whose class changes gets another external address"


def test_a_source_range_that_is_in_force_stays() -> None:
    """Before Kubernetes 1.36 the API server took it."""
    assert errors({**ranges("192.0.2.1/24"), "paused": True}, old_spec=VALID | ranges("192.0.2.1/24")) == []
    assert len(errors(ranges("192.0.2.1/24", "192.0.2.2/24"), old_spec=VALID | ranges("192.0.2.1/24"))) == 1


def test_a_node_port_outside_the_usual_range_is_warned_of() -> None:
    spec = VALID | {"service": {"type": "NodePort", "nodePort": 80}}
    result = validate("web", spec, POLICY)
    assert result.errors == []
    assert result.warnings == [
        "spec.service.nodePort: 80 is outside 30000-32767, which is all that most clusters allow"
    ]


DUAL, EITHER, TWO = ["IPv4", "IPv6"], "two families need ipFamilyPolicy PreferDualStack or ", "a family may appear once"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ipFamilies": ["IPv6"]}, ""),
        ({"ipFamilies": ["IPv6"], "ipFamilyPolicy": "PreferDualStack"}, ""),
        ({"ipFamilies": DUAL, "ipFamilyPolicy": "PreferDualStack"}, ""),
        ({"ipFamilies": DUAL, "ipFamilyPolicy": "RequireDualStack"}, ""),
        ({"ipFamilies": DUAL, "ipFamilyPolicy": "SingleStack"}, EITHER),
        ({"ipFamilies": DUAL}, EITHER),
        ({"ipFamilies": ["IPv6", "IPv6"], "ipFamilyPolicy": "PreferDualStack"}, TWO),
    ],
)
def test_two_families_are_asked_for(fields: dict[str, Any], expected: str) -> None:
    found = errors(service(**fields))
    assert [error.startswith(f"spec.service.ipFamilies: {expected}") for error in found] == [True] * bool(expected)


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        ({}, ["IPv6"], False),  # what the Service got is not known here
        ({"ipFamilies": ["IPv4"]}, None, False),
        ({"ipFamilies": ["IPv4"]}, DUAL, False),
        ({"ipFamilies": ["IPv4"]}, ["IPv6"], True),
        ({"ipFamilies": DUAL}, ["IPv6", "IPv4"], True),
        ({"ipFamilies": ["IPv4"], "enabled": False}, ["IPv6"], False),
    ],
)
def test_the_first_family_of_a_service_cannot_change(old: dict[str, Any], new: Any, refused: bool) -> None:
    policy = {"ipFamilyPolicy": "PreferDualStack"}
    found = errors(service(ipFamilies=new, **policy), old_spec=VALID | service(**old))
    assert [error.startswith("spec.service.ipFamilies: a Service keeps its first") for error in found] == [
        True
    ] * refused


@pytest.mark.parametrize("handlers", [{}, {"httpGet": {"path": "/"}}, {"tcpSocket": {}, "httpGet": None}])
def test_a_probe_with_one_handler_passes(handlers: dict[str, Any]) -> None:
    assert errors({"probes": {"readiness": handlers}}) == []


def test_a_probe_has_one_handler() -> None:
    (error,) = errors({"probes": {"readiness": {"httpGet": {"path": "/"}, "tcpSocket": {}}}})
    assert error == "spec.probes.readiness.tcpSocket: a probe has either httpGet or tcpSocket; remove one of the two"


def test_what_is_stored_is_not_refused_again_when_something_else_changes() -> None:
    """Otherwise no finalizer could be taken from what an earlier version had let through."""
    spec = VALID | {"count": 500, "image": "Bad:1"} | resources({"cpus": 1})
    result = validate("web", spec, POLICY, old_spec=dict(spec))
    assert result.errors == []
    assert len(result.warnings) == 1  # the count
    assert validate("web", {**spec, "paused": True}, POLICY, old_spec=spec).errors


def test_a_name_that_is_longer_than_any_is_compared_with_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison takes time by the length, while others wait."""
    compared: list[int] = []
    monkeypatch.setattr(near_misses, "get_close_matches", lambda word, *_, **__: compared.append(len(word)) or [])
    for length in (MAX_NAME_LENGTH, MAX_NAME_LENGTH + 1, 3_000_000):
        name = "a" * length
        assert "unknown resource; use cpu" in errors(resources(limits={name: 1}))[0]
        assert "unknown field; the fields here are" in errors({name: 1}, strict=True)[0]
    assert set(compared) == {MAX_NAME_LENGTH}


@pytest.mark.parametrize("part", ["a", "a-", "a.", "a/", "a_"])
def test_no_text_keeps_a_pattern_busy(part: str) -> None:
    """An exponential pattern would never end this test."""
    text = part * (500 // len(part)) + "!"
    assert errors({"image": text})
    assert errors(service(annotations={text: ""}, loadBalancerClass=text[-200:]))


@pytest.mark.parametrize(
    ("old", "new", "warned"),
    [
        (None, {"paused": True}, ""),  # the status tells what waits
        ({"paused": True}, {"paused": True, "containerPort": 8081}, "this change waits until it is removed"),
        ({"paused": True}, {"paused": True, "count": 4}, "this change waits until it is removed"),
        ({"paused": True}, {"paused": True}, ""),
        ({}, {"paused": True, "count": 3}, ""),  # who pauses knows
        ({"paused": True}, {"count": 3}, ""),
        ({"paused": True}, {"paused": False, "count": 3}, ""),
    ],
)
def test_a_change_that_waits_because_the_nginx_is_paused_is_warned_of(
    old: dict[str, Any] | None, new: dict[str, Any], warned: str
) -> None:
    old_spec = None if old is None else VALID | old
    found = [text for text in validate("web", VALID | new, POLICY, old_spec=old_spec).warnings if "paused" in text]
    assert len(found) == bool(warned)
    assert all(warned in text for text in found)


@pytest.mark.parametrize(
    ("amounts", "warned"),
    [
        ({"memory": "32m"}, 'spec.resources.limits.memory: "32m" is a fraction of a byte; did you mean 32Mi?'),
        ({"memory": "0.5"}, 'spec.resources.limits.memory: "0.5" is a fraction of a byte'),
        ({"memory": "0.5Gi"}, ""),
        ({"cpu": "32m"}, ""),
    ],
)
def test_a_fraction_of_a_byte_is_warned_of_as_a_pod_does(amounts: dict[str, Any], warned: str) -> None:
    found = validate("web", {**VALID, "resources": {"limits": amounts}}, POLICY)
    assert found.errors == []
    assert [text for text in found.warnings if "byte" in text] == ([warned] if warned else [])


def test_the_example_of_a_quantity_is_of_that_resource() -> None:
    (cpu, memory) = errors({"resources": {"limits": {"cpu": "much", "memory": "much"}}})
    assert cpu.endswith('an example is "50m"')
    assert memory.endswith('an example is "64Mi"')


@pytest.mark.parametrize("child", ["deployment", "service"])
@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"labels": {"team": "shop", "app.kubernetes.io/part-of": "", "gone": None}}, ""),
        ({"annotations": {"Example.com/A": "any text"}}, ""),
        (
            {"labels": {"app.kubernetes.io/name": "x"}},
            'labels: the key "app.kubernetes.io/name" is the operator\'s own',
        ),
        (
            {"labels": {"proxy.example.com/a": "x"}},
            'labels: the key "proxy.example.com/a" begins with proxy.example.com/',
        ),
        ({"labels": {"a b": "x"}}, 'labels: the key "a b" must be a name such as tier'),
        ({"labels": {"a": "x y"}}, 'labels.a: "x y" must have letters, digits'),
        ({"labels": {"a": 1}}, "labels.a: 1 must be a string"),
        ({"labels": {"a": "x" * 64}}, "labels.a: "),
        ({"annotations": {"a b": ""}}, 'annotations: the key "a b" must be a name such as tier'),
        ({"annotations": {"proxy.example.com/applied-hash": ""}}, "annotations: the key"),
        ({"annotations": {"deployment.kubernetes.io/revision": "9"}}, "begins with deployment.kubernetes.io/"),
    ],
)
def test_metadata_of_a_child(child: str, metadata: dict[str, Any], words: str) -> None:
    found = errors({child: metadata})
    assert bool(found) == bool(words)
    assert all(error.startswith(f"spec.{child}.") and words in error for error in found[:1])


@pytest.mark.parametrize(
    ("amounts", "warned"),
    [
        (
            {"limits": {"memory": 64}},
            ["limits.memory: 64 is 64 bytes, in which no container starts; did you mean"],
        ),
        (
            {"limits": {"memory": "3Mi"}},
            ['limits.memory: "3Mi" is too little for a container to start'],
        ),
        ({"requests": {"cpu": 100}}, ["requests.cpu: 100 is 100 CPUs; did you mean 100m?"]),
        ({"limits": {"cpu": "100M"}}, ['limits.cpu: "100M" is 100000000 CPUs; did you mean 100m?']),
        ({"limits": {"memory": "64Mi", "cpu": "100m"}, "requests": {"memory": "1Mi", "cpu": 0}}, []),
    ],
)
def test_an_amount_whose_unit_is_missing_is_warned_of(amounts: dict[str, Any], warned: list[str]) -> None:
    result = validate("web", VALID | {"resources": amounts}, POLICY)
    assert result.errors == []
    found = [text for text in result.warnings if "resources" in text]
    assert len(found) == len(warned)
    assert all(text.startswith(f"spec.resources.{words}") for text, words in zip(found, warned, strict=True))


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        ("type", "did you mean spec.service.type?"),
        ("labels", "did you mean spec.service.labels or spec.deployment.labels?"),
        ("replica", "did you mean count?"),
        ("servise", "did you mean service?"),
    ],
)
def test_a_field_at_the_wrong_place_is_told_where_it_belongs(field: str, hint: str) -> None:
    assert errors({field: 1}, strict=True) == [f"spec.{field}: unknown field; {hint}"]
