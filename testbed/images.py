"""Our image, built from the project's Dockerfile, on a base that is made on this machine.

They carry the names that the chart and the Dockerfile use, but nothing is pulled: the Python under our image is
Debian's. `images/README.md` says it to people; `nginximages` makes the nginx that is operated.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed import archives, cache, debian, dockerfile, rootfs
from testbed.buildah import Buildah
from testbed.errors import BedError
from testbed.progress import SILENT, Progress, Step

PROJECT = Path(__file__).parents[1]
CHART = PROJECT / "charts/nginx-operator"

PYTHON_IMAGE = "docker.io/library/python:3.11-slim-bookworm"
PYTHON_PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")

DEFAULT_REPOSITORY = "registry.example.com/nginx-operator"


@dataclass(frozen=True)
class BuiltImage:
    """An archive, and the names of the images in it."""

    archive: Path
    names: tuple[str, ...]


def _yaml(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}


def values() -> dict[str, Any]:
    """Return the chart's values."""
    return _yaml(CHART / "values.yaml")


def operator_name(tag: str | None = None) -> str:
    """Return our image's name: the chart's, and its appVersion where there is no `tag`."""
    image = values().get("image") or {}
    parts = [image.get("registry"), image.get("repository", DEFAULT_REPOSITORY)]
    return f"{'/'.join(filter(None, parts))}:{tag or app_version()}"


def app_version() -> str:
    """Return the chart's appVersion."""
    return str(_yaml(CHART / "Chart.yaml").get("appVersion", "0.1.0"))


def operator(tag: str | None = None, progress: Progress = SILENT, context: Path = PROJECT) -> BuiltImage:
    """Return our image, built from the Dockerfile of `context` if its sources have changed since.

    Raises:
        BedError: the machine cannot build images, the Dockerfile starts from something else than
            `PYTHON_IMAGE`, or the build failed.
    """
    return built(context, operator_name(tag), progress)


def built(context: Path, name: str, progress: Progress = SILENT, *, timestamp: int = 0) -> BuiltImage:
    """Return an image of that name, built from the Dockerfile of `context` if its sources have changed since.

    All that the build makes carries the time `timestamp`, in seconds, so that it depends on the sources alone.

    Raises:
        BedError: as `operator`.
    """
    file = context / "Dockerfile"
    if not file.exists():
        raise BedError(f"There is no {file} to build an image from.")
    text = file.read_text(encoding="utf-8")
    if unknown := [base for base in dockerfile.bases(text) if base != PYTHON_IMAGE]:
        raise BedError(f"{file}: the test bed makes {PYTHON_IMAGE}, but not {', '.join(unknown)}.")
    variables = {"VERSION": name.rpartition(":")[2]}
    sources = cache.key_of_files(context, dockerfile.sources(context, text))
    key = cache.key(sources, name, _python_key(), str(timestamp))

    base = python_base(progress)

    def make(target: Path, step: Step) -> None:
        Buildah(base, PYTHON_IMAGE).build(context, name, variables, target / "image.tar", step, timestamp)

    return BuiltImage(made("operator", key, f"building {name}", make, progress), (name,))


def _python_key() -> str:
    return cache.key(rootfs.SHAPE, *PYTHON_PACKAGES, PYTHON_IMAGE)


def python_base(progress: Progress = SILENT) -> Path:
    """Return the archive of the image that stands for `PYTHON_IMAGE`."""

    def make(target: Path, step: Step) -> None:
        tree = target / "root"
        rootfs.make(tree, PYTHON_PACKAGES, step)
        # As in the public image: `python` is there, and pip may install outside a virtual environment.
        (tree / "usr/bin/python").symlink_to("python3")
        for marker in tree.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()
        config = {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["python3"],
        }
        layer = target / "layer.tar"
        rootfs.pack(tree, layer)
        shutil.rmtree(tree)
        archives.write(target / "image.tar", [archives.Image([PYTHON_IMAGE], [layer], config)], rootfs.architecture())
        layer.unlink()

    return made(
        "python",
        _python_key(),
        f"making a base image from Debian's {PYTHON_PACKAGES[1]} (once)",
        make,
        progress,
    )


def _folder(kind: str, key: str) -> Path:
    return cache.root() / "images" / f"{kind}-{key}"


def kept(kind: str, key: str) -> bool:
    """Tell whether the archive of that kind and key is there."""
    return _folder(kind, key).is_dir()


def made(kind: str, key: str, what: str, make: Callable[[Path, Step], None], progress: Progress) -> Path:
    """Return the archive `image.tar` of that kind and key; `make` writes it into a folder if it is not there."""
    folder = _folder(kind, key)
    if not folder.is_dir():
        debian.provide("image", progress)

    def in_a_step(target: Path) -> None:
        with progress.step(what) as step:
            make(target, step)

    return cache.made(folder, in_a_step) / "image.tar"
