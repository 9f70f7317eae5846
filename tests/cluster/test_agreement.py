"""The checks that the guard and `lint` do without an API server agree with what the API server decides."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nginx_operator.api import defaults, validation
from nginx_operator.api.policy import Policy
from nginx_operator.api.types import NginxSpec, ObjectMeta
from nginx_operator.api.validation.crd_schema import validate_list_types, validate_schema
from nginx_operator.api.validation.field_errors import FieldError, aggregate
from nginx_operator.api.validation.nginx import validate_integer_count, validate_name
from nginx_operator.api.validation.probes import validate_probes
from nginx_operator.api.validation.service import validate_ip_families, validate_service_type
from nginx_operator.children.deployment import build_deployment
from nginx_operator.children.service import build_service
from nginx_operator.kube.resources import DEPLOYMENTS, NGINXES, SERVICES
from testbed import api
from testbed.api import Connection
from tests.support.answers import DENIED
from tests.support.campaign import TURNS
from tests.support.manifests import REFUSED, TAKEN
from tests.support.namespaces import Namespace, nginx
from tests.support.product import Product
from tests.support.specs import NAMES, SPECS

POLICY = Policy()
NOBODY, API_SERVER, WEBHOOK = "nobody", "the API server itself", "the webhook"


@dataclass
class Answer:
    """What the API server made of a dry-run create."""

    code: int
    status: dict[str, Any]

    @property
    def by(self) -> str:
        """Who refused. The webhook is asked after types, bounds and CEL have been passed."""
        if self.code == 201:
            return NOBODY
        assert self.code in (400, 422), self.status
        return WEBHOOK if self.status["message"].startswith(DENIED) else API_SERVER


@pytest.fixture(scope="module")
def connection(running: Product) -> Iterator[Connection]:
    """One connection for all objects."""
    config = running.bed.administrator
    address = ("127.0.0.1", running.bed.state.port)
    with Connection(None, address, api.trusting(config.ca), config.token) as opened:
        yield opened


def read_anew(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec as the API server has it after a patch of the mutating webhook: written by Go, where 3.0 is 3."""
    if isinstance(resources := spec.get("resources"), dict):  # what the webhook is sent was written by Go too
        spec = {**spec, "resources": {key: without_points(amounts) for key, amounts in resources.items()}}
    count = spec.get("count")
    if isinstance(count, float) and count.is_integer() and defaults.missing_defaults(spec, POLICY):
        return {**spec, "count": int(count)}
    return spec


def without_points(amounts: Any) -> Any:
    """Quantities as Go's encoding/json writes them: whole numbers without a point, those from 1e21 by an exponent."""
    return {name: as_go_has_it(each) for name, each in amounts.items()} if isinstance(amounts, dict) else amounts


def as_go_has_it(number: Any) -> Any:
    if isinstance(number, float) and number.is_integer() and abs(number) < 2**53:
        return int(number)
    written_by_exponent = isinstance(number, int) and abs(number) >= 10**21
    return float(number) if written_by_exponent else number


def errors_of_the_crd(name: str, spec: dict[str, Any], *, strict: bool) -> Iterator[FieldError]:
    """What the CRD refuses, by the schema and by CEL."""
    yield from validate_name(name)
    yield from validate_schema(spec, strict=strict)
    yield from validate_list_types(spec)
    yield from validate_integer_count(spec.get("count"))
    yield from validate_service_type(spec.get("service"))
    yield from validate_ip_families(spec.get("service"))
    yield from validate_probes(spec.get("probes"))


def test_a_dry_run_create_is_decided_as_the_checks_decide(connection: Connection, namespace: Namespace) -> None:
    met: Counter[str] = Counter()

    @settings(max_examples=1000 * TURNS, deadline=None, derandomize=True, database=None)
    @given(name=NAMES, spec=SPECS, strict=st.booleans())
    def decide(name: str, spec: dict[str, Any], strict: bool) -> None:
        body = nginx(spec, name=name)
        path = f"{NGINXES.path(namespace.name)}?dryRun=All&fieldValidation={'Strict' if strict else 'Ignore'}"
        code, text = connection.request("POST", path, body)
        answer = Answer(code, json.loads(text))
        met[answer.by] += 1
        asked = defaults.with_defaults(read_anew(spec), POLICY)
        errors = validation.validate(name, asked, POLICY, strict=strict).errors
        said = f"{answer.code} {answer.status.get('message')!r}; ours: {aggregate(errors)!r}"
        assert (answer.by == NOBODY) == (not errors), said
        assert (answer.by == API_SERVER) == any(errors_of_the_crd(name, asked, strict=strict)), said

    decide()
    assert min(met[by] for by in (NOBODY, API_SERVER, WEBHOOK)) >= 100, met


def resources(requests: dict[str, Any] | None = None, limits: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"resources": {"requests": requests or {}, "limits": limits or {}}}


def balanced(*ranges: str, **more: Any) -> dict[str, Any]:
    return {"service": {"type": "LoadBalancer", "loadBalancerSourceRanges": list(ranges), **more}}


RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
LONG = ".".join(["a" * 62] * 4)
#: What the rules beyond the schema are about: some of it is taken, some refused.
OF_THE_CHILDREN: list[dict[str, Any]] = [
    {},
    *[resources({"memory": "1Gi"}, {name: amount}) for name, amount in {
        "hugepages-2Mi": "4Mi", "hugepages-1Gi": "3Mi", "hugepages-0": "0", "hugepages--1": "0", "hugepages-1m": "1",
        "hugepages-": "1", "example.com/gpu": "1", "example.com/mig": "0.5", "example.com/tpu": "0.9999",
        "requests.example.com/gpu": "1", f"{LONG[:243]}/gpu": "1", f"{LONG[:245]}/gpu": "1", "kubernetes.io/foo": "0.5",
        "cpus": "1", "requests.cpu": "1", "cpu": "-1",
    }.items()],
    resources(limits={"hugepages-2Mi": "4Mi"}),
    resources({"hugepages-2Mi": "4Mi", "cpu": 1}, {"hugepages-2Mi": "6Mi"}),
    resources({"cpu": "0.0005"}, {"cpu": "0.0001"}),
    resources({"cpu": "2m"}, {"cpu": "1m"}),
    resources({"kubernetes.io/foo": "1"}),
    resources({"foo.kubernetes.io/bar": "1"}, {"foo.kubernetes.io/bar": "2"}),
    resources({"example.com/gpu": "1"}),
    *[balanced(network) for network in (
        "192.0.2.0/24", "2001:DB8::/32", "0.0.0.0/0", "64:ff9b::192.0.2.0/120",
        "192.0.2.1/24", "2001:db8::1/32", "192.0.2.0/024", "::ffff:192.0.2.0/120", "::ffff:0:0/96", "010.0.0.0/8",
    )],
    *[balanced(annotations={RANGES: text}) for text in ("", "192.0.2.0/24, ::/0", "192.0.2.1/24", "a", ",")],
    balanced("192.0.2.0/24", annotations={RANGES: "a"}),
    {"service": {"annotations": {RANGES: ""}}},
    {"service": {"annotations": {f"a{number}": "x" * 4096 for number in range(64)}}},
    {"service": {"annotations": {f"a{number}": "x" * 4075 for number in range(64)}}},
    {"service": {"annotations": {"a b": ""}}},
    {"service": {"labels": {"tier": "a", "app.kubernetes.io/part-of": "shop"}}},
    {"deployment": {"labels": {"tier": "A.b_c"}, "annotations": {"Example.com/A": "x y"}}},
    *[{"deployment": {"labels": labels}} for labels in ({"a b": ""}, {"a": "x y"}, {"a": "-x"}, {"a": "x" * 63})],
    {"service": {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]}},
    {"service": {"ipFamilyPolicy": "PreferDualStack"}},
    *[{"probes": {"readiness": readiness}} for readiness in (
        {}, {"tcpSocket": {}}, {"tcpSocket": {"port": 1}, "timeoutSeconds": 3600, "periodSeconds": 1},
        {"httpGet": {"path": "/"}, "failureThreshold": 1000}, {"httpGet": {"path": "/%zz?a=b#c", "port": 65535}},
    )],
]  # fmt: skip


@pytest.mark.parametrize("spec", OF_THE_CHILDREN, ids=range(len(OF_THE_CHILDREN)))
def test_the_children_can_be_made_of_what_the_checks_take(
    connection: Connection, namespace: Namespace, spec: dict[str, Any]
) -> None:
    """And of nothing else: what a Deployment or a Service would refuse is refused when it is written."""
    spec = {"count": 1, "image": "example.com/nginx:1", **spec}
    errors = validation.validate("web", defaults.with_defaults(spec, POLICY), POLICY).errors
    owner, typed = (
        ObjectMeta(name="web", namespace=namespace.name, uid="2c5f0a3e-0000-4000-8000-000000000000"),
        NginxSpec.from_dict(spec),
    )
    said = []
    for kind, child in ((DEPLOYMENTS, build_deployment(owner, typed)), (SERVICES, build_service(owner, typed))):
        code, text = connection.request("POST", f"{kind.path(namespace.name)}?dryRun=All", child)
        said += [json.loads(text)["message"]] if code != 201 else []
    assert bool(said) == bool(errors), f"{said}; ours: {aggregate(errors)!r}"


@pytest.mark.parametrize(("text", "by_lint"), REFUSED, ids=[line for _, line in REFUSED])
def test_kubectl_refuses_what_lint_refuses_around_the_spec(text: str, by_lint: str, namespace: Namespace) -> None:
    done = namespace.bed.kubectl(
        *("apply", "-f", "-", "-n", namespace.name, "--dry-run=server", "--validate=strict"), input=text, check=False
    )
    assert done.returncode != 0, by_lint


@pytest.mark.parametrize("text", TAKEN)
def test_kubectl_takes_what_lint_takes_around_the_spec(text: str, namespace: Namespace) -> None:
    namespace.kubectl("apply", "-f", "-", "--dry-run=server", "--validate=strict", input=text)
