"""The checks that the guard and `lint` do without an API server agree with what the API server decides."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nginx_operator.api import defaults, names, rules, schema_faults, service_rules, validation
from nginx_operator.api.faults import Subject
from nginx_operator.api.policy import Policy
from nginx_operator.cluster.resources import NGINXES
from tests.cluster.product import Product
from tests.namespaces import Namespace
from tests.specs import NAMES, SPECS
from tests.testbed import api
from tests.testbed.api import Connection

POLICY = Policy()
#: What the CRD says, in the schema and in CEL.
OF_THE_CRD = (
    rules.name,
    schema_faults.of_schema,
    schema_faults.list_types,
    schema_faults.of_scale,
    service_rules.service_types,
)


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
        denied = f'admission webhook "{names.VALIDATING_WEBHOOK}" denied the request'
        return WEBHOOK if self.status["message"].startswith(denied) else API_SERVER


@pytest.fixture(scope="module")
def connection(running: Product) -> Iterator[Connection]:
    """One connection for all objects."""
    config = running.bed.client_config
    address = ("127.0.0.1", running.bed.state.port)
    with Connection(None, address, api.trusting(config.ca), config.token) as opened:
        yield opened


def read_anew(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec as the API server has it after a patch of the mutating webhook: written by Go, where 3.0 is 3."""
    count = spec.get("count")
    if isinstance(count, float) and count.is_integer() and defaults.missing(spec, POLICY):
        return {**spec, "count": int(count)}
    return spec


def test_a_dry_run_create_is_decided_as_the_checks_decide(connection: Connection, namespace: Namespace) -> None:
    met: Counter[str] = Counter()

    @settings(max_examples=2500, deadline=None, derandomize=True, database=None)
    @given(name=NAMES, spec=SPECS, strict=st.booleans())
    def decide(name: str, spec: dict[str, Any], strict: bool) -> None:
        body = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": {"name": name}, "spec": spec}
        path = f"{NGINXES.path(namespace.name)}?dryRun=All&fieldValidation={'Strict' if strict else 'Ignore'}"
        code, text = connection.request("POST", path, body)
        answer = Answer(code, json.loads(text))
        met[answer.by] += 1
        asked = Subject(name, defaults.defaulted(read_anew(spec), POLICY), POLICY, strict=strict)
        verdict = validation.check(asked)
        said = f"{answer.code} {answer.status.get('message')!r}; ours: {verdict.sentence!r}"
        assert (answer.by == NOBODY) == (not verdict.faults), said
        of_the_crd = [fault for rule in OF_THE_CRD for fault in rule(asked)]
        assert (answer.by == API_SERVER) == bool(of_the_crd), said

    decide()
    assert min(met[by] for by in (NOBODY, API_SERVER, WEBHOOK)) >= 100, met
