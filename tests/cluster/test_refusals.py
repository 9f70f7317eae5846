"""docs/refusals.md shows what kubectl prints: each manifest of the page is applied, and the text below it compared."""

import os
import re
from pathlib import Path
from typing import Final

import pytest
import yaml

from nginx_operator.api import names
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


def test_the_page_has_examples() -> None:
    assert len(PAIRS) >= 15
