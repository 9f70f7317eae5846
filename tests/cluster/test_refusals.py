"""docs/refusals.md shows what kubectl prints: each manifest of the page is applied, and the text below it compared."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from nginx_operator.api import names
from tests.support.docs.blocks import Command, blocks
from tests.support.namespaces import Namespace

PAGE: Final = Path(__file__).parents[2] / "docs" / "refusals.md"
#: A manifest, and what kubectl prints.
_PAIR: Final = re.compile(r"```yaml\n(?P<manifest>[^`]*)```\n\n```text\n(?P<said>[^`]*)```")
PAIRS: Final = [(found["manifest"], found["said"]) for found in _PAIR.finditer(PAGE.read_text(encoding="utf-8"))]


def applied(manifest: str, namespace: Namespace) -> str:
    """What kubectl prints, without what differs from one run to the next."""
    nginx = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": {"name": "web"}}
    done = namespace.bed.kubectl(
        *("apply", "-n", namespace.name, "-f", "-"),
        input=yaml.safe_dump(nginx | yaml.safe_load(manifest)),
        check=False,
    )
    assert done.returncode == 1, manifest
    return str(done.stderr).replace(namespace.name, "default").replace('"STDIN"', '"nginx.yaml"')


@pytest.mark.parametrize(("manifest", "said"), PAIRS, ids=[manifest.split("\n")[1].strip() for manifest, _ in PAIRS])
def test_what_kubectl_prints_is_what_the_page_shows(manifest: str, said: str, namespace: Namespace) -> None:
    """UPDATE_DOCS=1 writes it into the page; read it before you commit it."""
    found = applied(manifest, namespace)
    if os.environ.get("UPDATE_DOCS"):
        page = PAGE.read_text(encoding="utf-8")
        block = f"```yaml\n{manifest}```\n\n```text\n"
        PAGE.write_text(page.replace(f"{block}{said}```", f"{block}{found}```"), encoding="utf-8")
        return
    assert found == said


def commands() -> list[Command]:
    return [command for block in blocks(PAGE.read_text(encoding="utf-8")) for command in block.commands]


def renew(answers: list[tuple[str, ...]]) -> None:
    """Writes below each command of the page what it printed."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for command, answer in reversed(list(zip(commands(), answers, strict=True))):
        begin = command.line - 1 + len(command.text.splitlines())
        lines[begin : begin + len(command.answer)] = answer
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_what_kubectl_prints_of_a_change_is_what_the_page_shows(namespace: Namespace, tmp_path: Path) -> None:
    bed = namespace.bed
    environment = {**bed.environment, "KUBECONFIG": str(shutil.copy(bed.kubeconfig, tmp_path))}
    answers = []
    here = f"kubectl config set-context --current --namespace={namespace.name}"
    for text in (here, *(command.text for command in commands())):
        done = subprocess.run(["bash", "-c", f"{text}\n"], env=environment, capture_output=True, text=True)
        answers.append((*done.stderr.splitlines(), *done.stdout.splitlines()))
    if os.environ.get("UPDATE_DOCS"):
        renew(answers[1:])
    assert answers[1:] == [command.answer for command in commands()]


def test_the_page_has_examples() -> None:
    assert len(PAIRS) >= 15
