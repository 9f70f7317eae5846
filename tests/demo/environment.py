"""Makes the virtual environment from the lock file. Run by make, with any Python: needs the standard library only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "dev.txt"
MINIMUM = (3, 11)
EVERY_SECONDS = 5.0
# A third of all code, which nothing here imports: its bytecode would cost minutes on a small machine.
NOT_COMPILED = r"/kubernetes/(aio|client/(api|models))/"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def pins(text: str) -> int:
    """How many packages a lock file pins."""
    return len(re.findall(r"^[A-Za-z0-9][^\s=]*==", text, re.MULTILINE))


def main(folder: str) -> int:
    """Make or refresh the environment in `folder`; 0 when it is ready."""
    if sys.version_info < MINIMUM:
        _say("Python {}.{} or newer is needed; name one: make PYTHON=/path/to/python3.11 ...".format(*MINIMUM))
        return 1
    python = str(Path(folder) / "bin" / "python")
    if not Path(python).exists() and not _create(folder):
        return 1
    install = [python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off", "--no-compile"]
    locked = [*install, "--require-hashes", "-r", str(LOCK)]
    ours = [*install, "--no-build-isolation", "--no-deps", "--editable", str(ROOT)]
    compiled = [python, "-m", "compileall", "-q", "-x", NOT_COMPILED, str(Path(folder) / "lib")]
    total = pins(LOCK.read_text(encoding="utf-8"))
    return (
        _run(locked, f"{folder}: packages", total)
        or _run(compiled, f"{folder}: bytecode")
        or _run(ours, f"{folder}: the project", 1)
    )


def _create(folder: str) -> bool:
    """Make the empty environment; Debian keeps the module that does it in a package of its own."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            _say(f"This Python cannot make virtual environments: install the package {package}.")
            return False
        _say(f"  installing {package} (once)")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", package]):
            if subprocess.run(command, stdout=subprocess.DEVNULL, env=environment).returncode != 0:
                _say(f"{' '.join(command)} failed; install the package {package} by hand.")
                return False
    return subprocess.run([sys.executable, "-m", "venv", folder]).returncode == 0


def _run(command: list[str], what: str, total: int = 0) -> int:
    """Run a command, tell now and then how far pip is; show all that was said when it fails."""
    began = told = time.monotonic()
    said: list[str] = []
    seen: set[str] = set()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            found = re.match(r"(?:Collecting|Requirement already satisfied:) ([^\s=<>!~\[(]+)", line)
            if found:
                seen.add(found[1])
            if time.monotonic() - told > EVERY_SECONDS:
                told = time.monotonic()
                _say(f"  {what}: {min(len(seen), total)} of {total}, {told - began:.0f} s so far")
    if process.returncode != 0:
        _say("".join(said).rstrip())
        _say(f"{what}: ended with {process.returncode}; the last words are above.")
        return 1
    _say(f"  {what}: done in {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
