"""Neither process starts another: the linter refuses every way to, and each way is tried here once."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LETTERS = ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")
WAYS = [
    "import subprocess",
    "from subprocess import run",
    "import pty",
    "import multiprocessing",
    "import ctypes",
    "import os\n\nos.system('true')",
    "import os\n\nos.popen('true')",
    "from os import system",
    "import os\n\nos.fork()",
    "import os\n\nos.forkpty()",
    "import os\n\nos.posix_spawn('true', [], {})",
    "import os\n\nos.posix_spawnp('true', [], {})",
    "import asyncio\n\nasyncio.create_subprocess_exec('true')",
    "import asyncio\n\nasyncio.create_subprocess_shell('true')",
    *(f"import os\n\nos.{kind}{letters}" for kind in ("exec", "spawn") for letters in LETTERS),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("package", ["operator/nginx_operator", "webhooks/nginx_webhooks"])
def test_every_way_to_run_something_is_refused(package: str, way: str) -> None:
    words = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--stdin-filename", f"{package}/x.py", "-"]
    done = subprocess.run(words, cwd=ROOT, input=f"{way}\n", capture_output=True, text=True)
    assert done.returncode == 1
    assert "TID251" in done.stdout


def test_the_rule_is_in_force_where_it_counts() -> None:
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "TID251" in ruff["select"]
    excused = {folder for folder, rules in ruff["per-file-ignores"].items() if "TID251" in rules}
    assert excused == {"tests/**", "bench/**", "docs/**", "release/**", "testbed/**"}  # none of them is in the image
    sources = [path for folder in ("operator", "webhooks") for path in (ROOT / folder).rglob("*.py")]
    assert [path for path in sources if "noqa: TID251" in path.read_text()] == []
