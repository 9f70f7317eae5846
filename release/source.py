"""The files of one commit, apart from the checkout: what is not committed is in no release."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
PLACEHOLDER = "registry.example.com"
"""The registry that the chart's values name until a release says which one holds its image."""


@dataclass(frozen=True)
class Source:
    """A commit, as files.

    Attributes:
        folder: where they are.
        commit: its name, 40 hexadecimal digits.
        epoch: when it was made, in seconds: the only time that any file of a release may carry.
        version: the package's, without a `v`.
        registry: what stands before `/nginx-operator` in the image's name.
    """

    folder: Path
    commit: str
    epoch: int
    version: str
    registry: str

    @property
    def chart(self) -> Path:
        """The chart's folder."""
        return self.folder / "charts/nginx-operator"

    @property
    def image(self) -> str:
        """The image's name, with its tag."""
        return f"{self.registry}/nginx-operator:{self.version}"


@contextmanager
def exported(commit: str, registry: str = PLACEHOLDER) -> Iterator[Source]:
    """Give the files of a commit (or of a tag) in a folder that goes away again.

    The values of the chart name `registry`. Files have the commit's time, and modes as Git knows them.

    Raises:
        ValueError: there is no such commit, or its values do not name the placeholder.
    """
    try:
        name = _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
    except subprocess.CalledProcessError as error:
        raise ValueError(f"There is no commit {commit!r} in {ROOT}.") from error
    with TemporaryDirectory(prefix="release-") as scratch:
        folder = Path(scratch)
        archive = ["git", "archive", "--format=tar", name]
        with subprocess.Popen(archive, cwd=ROOT, stdout=subprocess.PIPE) as reading:
            subprocess.run(["tar", "--extract", f"--directory={folder}"], stdin=reading.stdout, check=True)
        if reading.returncode != 0:
            raise ValueError(f"git archive of {name} ended with {reading.returncode}.")
        _name_registry(folder / "charts/nginx-operator/values.yaml", registry)
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        epoch = int(_git("show", "--no-patch", "--format=%ct", name))
        yield Source(folder, name, epoch, project["version"], registry)


def uncommitted() -> list[str]:
    """Return the files that differ from the last commit, or are new."""
    return [line.split(maxsplit=1)[1] for line in _git("status", "--porcelain", "--no-renames").splitlines()]


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _name_registry(values: Path, registry: str) -> None:
    text = values.read_text(encoding="utf-8")
    if PLACEHOLDER not in text:
        raise ValueError(f"{values.name} of the chart does not name {PLACEHOLDER}, so no other can be put there.")
    values.write_text(text.replace(PLACEHOLDER, registry), encoding="utf-8")
