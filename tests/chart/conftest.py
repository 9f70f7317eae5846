"""Helm of both major versions, built by the test bed where this machine has none of theirs yet."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from testbed import gobuild, tools
from testbed.progress import Progress
from tests.support.rendering import CHART, VALUES, Render, Rendering, load, template


@pytest.fixture(scope="session")
def helm() -> str:
    """Path of Helm 4."""
    return str(gobuild.programs(gobuild.HELM4, Progress(sys.__stderr__)) / "helm")


@pytest.fixture(scope="session")
def helm3() -> str:
    """Path of Helm 3."""
    return str(tools.helm3(Progress(sys.__stderr__)))


@pytest.fixture(scope="session")
def render(helm: str) -> Render:
    """Renders with Helm 4. The same values are rendered once a session."""
    known: dict[str, Rendering] = {}

    def rendered(values: Mapping[str, Any] | Path, *arguments: str) -> Rendering:
        key = json.dumps([values if isinstance(values, Mapping) else str(values), arguments], sort_keys=True)
        if key not in known:
            known[key] = template(helm, values, *arguments)
        return known[key]

    return rendered


@pytest.fixture(scope="session")
def default(render: Render) -> Rendering:
    """The chart as it comes."""
    return render(VALUES / "default.yaml")


@pytest.fixture(scope="session")
def everything(render: Render) -> Rendering:
    """The chart with nearly every value changed."""
    return render(VALUES / "everything.yaml")


@pytest.fixture(scope="session")
def defaults() -> dict[str, Any]:
    """values.yaml."""
    return load(CHART / "values.yaml")


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    """values.schema.json."""
    loaded: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    return loaded
