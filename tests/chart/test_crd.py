"""The CRD is the one in crds/, and it outlives the release unless that is not wanted."""

from typing import Any

import pytest
import yaml

from nginx_operator.api import names
from tests.support.rendering import CHART, ROOT, Render, Rendering

FILE = f"{names.GROUP}_{names.PLURAL}.yaml"
SOURCE = ROOT / "crds" / FILE
KEEP = "helm.sh/resource-policy"


def test_the_copy_in_the_chart_is_the_source() -> None:
    assert (CHART / "files" / "crds" / FILE).read_bytes() == SOURCE.read_bytes()


def test_only_labels_and_annotations_are_added(default: Rendering) -> None:
    rendered = default.one("CustomResourceDefinition", names.CRD)

    assert rendered["metadata"].pop("labels")
    assert rendered["metadata"].pop("annotations")
    assert rendered == yaml.safe_load(SOURCE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {KEEP: "keep"}),
        ({"annotations": {"a": "b"}}, {KEEP: "keep", "a": "b"}),
        ({"annotations": {KEEP: "delete"}}, {KEEP: "keep"}),
        ({"keep": False, "annotations": {"a": "b"}}, {"a": "b"}),
        ({"keep": False}, None),
    ],
)
def test_annotations(values: dict[str, Any], expected: dict[str, str] | None, render: Render) -> None:
    rendered = render({"crds": values}).one("CustomResourceDefinition", names.CRD)

    assert rendered["metadata"].get("annotations") == expected


def test_it_can_be_left_out(render: Render) -> None:
    assert not render({"crds": {"enabled": False}}).of_kind("CustomResourceDefinition")


def test_helm_has_no_folder_that_it_would_never_upgrade() -> None:
    assert not (CHART / "crds").exists()
