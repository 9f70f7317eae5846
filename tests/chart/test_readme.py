"""The chart's README: its values render, on the command line and in files."""

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.support import rendering
from tests.support.rendering import CHART, KUBE_VERSION, ROOT, Render

README = (CHART / "README.md").read_text(encoding="utf-8")
#: Options of an install or an upgrade that a rendering has no use for.
OF_A_CLUSTER = {"--create-namespace", "--wait", "--reset-then-reuse-values"}
#: Writes the arguments of each helm as a line of JSON, and runs nothing else.
RECORDER = r"""
helm() { python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@"; }
kubectl() { :; }
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}(?: [^\n]*)?\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The arguments of every helm as a shell passes them."""
    script = RECORDER + "\n".join(blocks("sh"))
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_install_and_upgrade_renders(helm: str) -> None:
    found = [words for words in commands() if words[0] in ("install", "upgrade")]
    assert len(found) > 2
    for _, name, chart, *options in found:
        assert ROOT / chart == CHART
        options = [option for option in options if option not in OF_A_CLUSTER]
        rendering.helm(helm, "template", name, str(CHART), *options, KUBE_VERSION)


@pytest.mark.parametrize(
    "values", [yaml.safe_load(block) for block in blocks("yaml")], ids=lambda values: "-".join(values)
)
def test_every_block_of_values_renders(values: dict[str, Any], render: Render) -> None:
    assert render(values).objects
