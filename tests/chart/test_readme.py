"""The chart's README: what it tells people to type and to write works."""

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from nginx_operator.api import names, validation
from nginx_operator.api.faults import Subject
from nginx_operator.api.policy import Policy
from tests.chart import rendering
from tests.chart.rendering import CERT_MANAGER, CHART, KUBE_VERSION, MONITORING, ROOT, Render

README = (CHART / "README.md").read_text(encoding="utf-8")
#: Options of an install or an upgrade that a rendering has no use for.
OF_A_CLUSTER = {"--create-namespace", "--wait", "--reset-then-reuse-values"}
#: Writes each command with its arguments, and what it reads from stdin, as a line of JSON.
RECORDER = r"""
note() { python3 -c 'import json, sys; print(json.dumps([sys.argv[1:], sys.stdin.read()]))' "$@"; }
helm() { note helm "$@" </dev/null; }
kubectl() { if [ "$1" = apply ]; then note kubectl "$@"; else note kubectl "$@" </dev/null; fi; }
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[list[str], str]]:
    """Every command as a shell runs it, with what it reads."""
    script = RECORDER + "\n".join(blocks("sh"))
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    assert not done.stderr
    return [(words, read) for words, read in map(json.loads, done.stdout.splitlines())]


def test_every_helm_command_is_one_that_renders(helm: str) -> None:
    tried = []
    for words, _ in commands():
        match words:
            case ["helm", ("install" | "upgrade") as verb, name, chart, *options]:
                assert ROOT / chart == CHART
                options = [option for option in options if option not in OF_A_CLUSTER]
                rendering.helm(helm, "template", name, str(CHART), *options, KUBE_VERSION, CERT_MANAGER, MONITORING)
                tried.append(verb)
            case ["helm", "uninstall", name, "--namespace", _]:
                tried.append("uninstall")
            case ["helm", *_]:
                pytest.fail(f"nobody tries {words}")
    assert {"install", "upgrade", "uninstall"} <= set(tried)


def test_the_first_nginx_is_valid() -> None:
    ((_, manifest),) = [(words, read) for words, read in commands() if words[:2] == ["kubectl", "apply"]]
    nginx = yaml.safe_load(manifest)
    assert (nginx["apiVersion"], nginx["kind"]) == (names.API_VERSION, names.KIND)
    assert not validation.check(Subject(nginx["metadata"]["name"], nginx["spec"], Policy(), strict=True)).faults


@pytest.mark.parametrize(
    "values", [yaml.safe_load(block) for block in blocks("yaml")], ids=lambda values: "-".join(values)
)
def test_every_block_of_values_renders(values: dict[str, Any], render: Render) -> None:
    assert render(values).objects
