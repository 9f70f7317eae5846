"""What tools that wait make of an Nginx, by their own code: kstatus in Go, and Argo CD's health check in Lua."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from testbed import gobuild
from tests.support.beds import shown

GITOPS = Path(__file__).parents[2] / "docs" / "gitops.md"


class Health:
    """The program testbed/go/health, and the health check that docs/gitops.md recommends."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        with shown(request) as progress:
            self._program = gobuild.programs(gobuild.HEALTH, progress) / "health"
        self._script = folder / "health.lua"
        self._script.write_text(script(GITOPS.read_text(encoding="utf-8")), encoding="utf-8")

    def of(self, objects: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
        """(kstatus's word, Argo CD's word) of each object. Both libraries of kstatus must agree."""
        done = subprocess.run(
            [str(self._program), str(self._script)], input=json.dumps(objects), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        words = [line.split() for line in done.stdout.splitlines()]
        assert [flux for flux, _, _ in words] == [kpt for _, kpt, _ in words]
        return [(kstatus, argo) for kstatus, _, argo in words]


def script(page: str) -> str:
    """The Lua of the page."""
    (found,) = re.findall(r"^resource\.customizations\.health\.\S+: \|\n((?:  .*\n)+)", page, re.MULTILINE)
    return re.sub(r"^  ", "", found, flags=re.MULTILINE)
