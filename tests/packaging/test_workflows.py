"""The workflows of .github: what actionlint says of them (zizmor is a part of `make lint`), and what they may."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from release.source import ROOT
from testbed import gobuild
from testbed.progress import Progress

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
PINNED = re.compile(r"[\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    """(file, name, job) of each job."""
    loaded = [(file.name, yaml.safe_load(file.read_text(encoding="utf-8"))) for file in WORKFLOWS]
    return [(file, name, job) for file, workflow in loaded for name, job in workflow["jobs"].items()]


def test_actionlint_finds_nothing() -> None:
    actionlint = gobuild.programs(gobuild.ACTIONLINT, Progress(sys.__stderr__)) / "actionlint"
    shellcheck = Path(sys.executable).with_name("shellcheck")
    command = [str(actionlint), "-no-color", f"-shellcheck={shellcheck}", "-pyflakes=", *map(str, WORKFLOWS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_each_action_is_pinned_by_its_commit(workflow: Path) -> None:
    used = re.findall(r"^\s*(?:- )?uses: (.*)$", workflow.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    assert [line for line in used if not line.startswith("./") and not PINNED.fullmatch(line)] == []


def test_only_the_jobs_that_publish_may_write() -> None:
    writing = {
        (file, name, what)
        for file, name, job in jobs()
        for what, right in job["permissions"].items()
        if right == "write"
    }
    assert writing == {
        ("release.yaml", "publish", "attestations"),
        ("release.yaml", "publish", "id-token"),
        ("release.yaml", "publish", "packages"),
        ("release.yaml", "announce", "contents"),
    }
    assert [yaml.safe_load(file.read_text(encoding="utf-8"))["permissions"] for file in WORKFLOWS] == [{}, {}]


def test_they_run_what_a_developer_runs() -> None:
    commands = {step.get("run", "") for _, _, job in jobs() for step in job.get("steps", [])}
    for task in ("make lint", "make test", "make package package-check"):
        assert [command for command in commands if task in command], task
