"""The ladder of API versions (docs/versions.md): charts and programs of five future releases.

They are derived from the real chart and programs, which know one version. The new version differs from the old one in
its name only, and no object is converted, as the ladder demands.

    python -m tests.support.ladder store nginx_operator run ...    # runs a program as of that step's release
"""

import runpy
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from nginx_operator.api import names, schema

OLD, NEW = "v1alpha1", "v1beta1"
WARNING: Final = f"{names.GROUP}/{OLD} Nginx is deprecated; use {names.GROUP}/{NEW}"
_DEFINITION: Final = f"files/crds/{names.GROUP}_{names.PLURAL}.yaml"
_RULES: Final = "templates/webhooks/_admission.tpl"


@dataclass(frozen=True)
class Step:
    """One release on the ladder.

    Attributes:
        minor: its number, as in 0.MINOR.0.
        versions: those of its CustomResourceDefinition.
        served: those of them that are served.
        storage: the one that is stored.
        speaks: the one that its programs ask for, and its webhooks are called with.
    """

    minor: int
    versions: tuple[str, ...]
    served: tuple[str, ...]
    storage: str
    speaks: str


LADDER: Final = {
    "before": Step(1, (OLD,), (OLD,), storage=OLD, speaks=OLD),
    "serve": Step(2, (OLD, NEW), (OLD, NEW), storage=OLD, speaks=OLD),
    "store": Step(3, (OLD, NEW), (OLD, NEW), storage=NEW, speaks=NEW),
    "un-serve": Step(4, (OLD, NEW), (NEW,), storage=NEW, speaks=NEW),
    "drop": Step(5, (NEW,), (NEW,), storage=NEW, speaks=NEW),
}


def definition(real: Mapping[str, Any], step: Step) -> dict[str, Any]:
    """The CustomResourceDefinition of a step. The old version is deprecated as soon as the new one is stored."""
    (only,) = real["spec"]["versions"]
    deprecated = {"deprecated": True, "deprecationWarning": WARNING} if step.storage == NEW else {}
    versions = [
        {
            **only,
            "name": version,
            "served": version in step.served,
            "storage": version == step.storage,
            **(deprecated if version == OLD else {}),
        }
        for version in step.versions
    ]
    return {**real, "spec": {**real["spec"], "versions": versions}}


def variant(files: Mapping[str, str], step: Step) -> dict[str, str]:
    """The three files in which a step's chart differs from the real one, by path."""
    crd = definition(yaml.safe_load(files[_DEFINITION]), step)
    number = f"0.{step.minor}.0"
    about = yaml.safe_load(files["Chart.yaml"]) | {"version": number, "appVersion": number}
    rules = files[_RULES].replace(f"apiVersions: [{OLD}]", f"apiVersions: [{step.speaks}]")
    assert step.speaks in rules
    return {_DEFINITION: yaml.safe_dump(crd), "Chart.yaml": yaml.safe_dump(about), _RULES: rules}


def write(chart: Path, folder: Path) -> dict[str, Path]:
    """Writes the charts of all steps; their folders, by step."""
    real = {path: (chart / path).read_text("utf-8") for path in (_DEFINITION, "Chart.yaml", _RULES)}
    made = {}
    for name, step in LADDER.items():
        made[name] = Path(shutil.copytree(chart, folder / name))
        for path, text in variant(real, step).items():
            (made[name] / path).write_text(text, "utf-8")
    return made


def speak(step: Step) -> None:
    """Patches this process to run the programs of a step's release. Call it before they are imported."""
    real = schema.crd()
    names.VERSION = step.speaks  # type: ignore[misc]
    names.API_VERSION = f"{names.GROUP}/{step.speaks}"  # type: ignore[misc]
    schema.crd = lambda: definition(real, step)  # type: ignore[assignment]


if __name__ == "__main__":
    speak(LADDER[sys.argv[1]])
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
