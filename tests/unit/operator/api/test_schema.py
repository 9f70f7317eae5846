"""The CRD as the package carries it, and its agreement with the rules that are written twice."""

from pathlib import Path
from typing import Any

import yaml

from nginx_operator.api import names, schema
from nginx_operator.api.policy import MAX_INT32
from nginx_operator.api.types import NginxSpec, ServiceSpec
from nginx_operator.decide.status import MAX_NODES

ROOT = Path(__file__).parents[4]


def walk(node: dict[str, Any], path: str) -> list[tuple[str, dict[str, Any]]]:
    found = [(path, node)]
    for name, child in node.get("properties", {}).items():
        found += walk(child, f"{path}.{name}")
    if isinstance(node.get("items"), dict):
        found += walk(node["items"], f"{path}[]")
    return found


def openapi() -> dict[str, Any]:
    loaded: dict[str, Any] = schema.crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return loaded


def test_the_package_carries_the_one_schema() -> None:
    assert schema.crd() == yaml.safe_load((ROOT / "crds" / "proxy.example.com_nginxes.yaml").read_text())


def test_no_text_is_answered_with_a_regular_expression() -> None:
    """Save a quantity: a rule on x-kubernetes-int-or-string costs CEL as much as the longest request."""
    found = [(path, node) for path, node in walk(openapi()["spec"], "spec") if node.get("type") == "string"]
    assert [path for path, node in found if "pattern" in node] == []
    worded = [path for path, node in found if all(schema.pattern_rule(node))]
    assert "spec.image" in worded
    assert [path for path, node in found if node.get("x-kubernetes-validations") and path not in worded] == []


def test_names_agree() -> None:
    crd = schema.crd()
    assert crd["metadata"]["name"] == names.CRD
    assert crd["spec"]["names"]["kind"] == names.KIND
    assert [version["name"] for version in crd["spec"]["versions"]] == [names.VERSION]


def test_every_field_of_spec_is_described_with_an_example() -> None:
    scalars = [(path, node) for path, node in walk(openapi()["spec"], "spec") if not path.endswith("Ranges[]")]
    assert [path for path, node in scalars if not node.get("description")] == []
    assert [path for path, node in scalars if "example" not in node and not path.endswith("[]")] == []


def test_every_field_is_bounded() -> None:
    bounds = {
        "string": {"maxLength", "enum", "format"},
        "integer": {"maximum", "minimum"},
        "array": {"maxItems"},
    }
    both = walk(openapi()["spec"], "spec") + walk(openapi()["status"], "status")
    unbounded = [path for path, node in both if node.get("type") in bounds and not bounds[node["type"]] & node.keys()]
    assert unbounded == []


def test_defaults_of_the_typed_spec_equal_the_schemas() -> None:
    properties = schema.spec_schema(names.VERSION)["properties"]
    typed = NginxSpec(count=1, image="a")
    assert typed.image_pull_policy == properties["imagePullPolicy"]["default"]
    assert typed.container_port == properties["containerPort"]["default"]
    assert typed.paused == properties["paused"]["default"]
    service = {name: node["default"] for name, node in properties["service"]["properties"].items() if "default" in node}
    assert service == {"enabled": ServiceSpec().enabled, "type": ServiceSpec().type, "port": ServiceSpec().port}


def test_limits_agree() -> None:
    assert openapi()["status"]["properties"]["nodes"]["maxItems"] == MAX_NODES
    assert openapi()["spec"]["properties"]["count"]["maximum"] == MAX_INT32


def test_a_closed_schema_refuses_unknown_fields_at_every_depth() -> None:
    strict = schema.validator(names.VERSION, strict=True)
    assert list(strict.iter_errors({"service": {"prot": 80}}))
    assert not list(strict.iter_errors({"service": {"annotations": {"any": "thing"}}}))
