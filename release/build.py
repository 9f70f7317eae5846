"""The files of a release, each made from a commit's files alone; `docs/releases.md` says what is in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from release import archives, contents, sbom
from release.source import PLACEHOLDER, Source, exported
from testbed import gobuild, images
from testbed.archives import sha256
from testbed.progress import SILENT, Progress

CHECKSUMS = "SHA256SUMS"


def package(commit: str, into: Path, registry: str = PLACEHOLDER, progress: Progress = SILENT) -> list[Path]:
    """Write all files of a commit's (or a tag's) release into a folder, and return them.

    Raises:
        BedError: the machine cannot build images, or a build failed.
        ValueError: there is no such commit.
    """
    into.mkdir(parents=True, exist_ok=True)
    with exported(commit, registry) as source:
        made = [
            chart(source, into, progress),
            *distributions(source, into),
            crds(source, into),
            *image(source, into, progress),
        ]
    return [*made, checksums(made, into)]


def chart(source: Source, into: Path, progress: Progress = SILENT) -> Path:
    """Write the chart's archive: what `helm package` takes into it, with the commit's time instead of today's."""
    helm = gobuild.programs(gobuild.HELM4, progress) / "helm"
    with TemporaryDirectory() as scratch:
        command = [str(helm), "package", str(source.chart), f"--destination={scratch}"]
        # Helm's own folders, so that no plug-in or setting of the user has a say.
        environment = {"PATH": os.environ["PATH"], "HOME": scratch}
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        (packed,) = Path(scratch).glob("*.tgz")
        with tarfile.open(packed) as tar:
            tar.extractall(scratch, filter="data")
        target = into / packed.name
        archives.pack(Path(scratch, source.chart.name), target, source.epoch)
    return target


def distributions(source: Source, into: Path) -> list[Path]:
    """Write the Python package: as a wheel, and as an sdist, from which anybody can build the wheel."""
    with TemporaryDirectory() as scratch:
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "--directory", scratch],
            cwd=source.folder,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(source.epoch)},
            check=True,
            capture_output=True,
            text=True,
        )
        return [Path(shutil.copyfile(file, into / file.name)) for file in sorted(Path(scratch).iterdir())]


def crds(source: Source, into: Path) -> Path:
    """Write the CRDs as one file, for clusters in which somebody else than Helm installs them."""
    documents = [file.read_text(encoding="utf-8") for file in sorted((source.folder / "crds").glob("*.yaml"))]
    target = into / "nginx-operator-crds.yaml"
    target.write_text("---\n".join(documents), encoding="utf-8")
    return target


def image(source: Source, into: Path, progress: Progress = SILENT) -> list[Path]:
    """Write the image's archive, a compressed docker-archive, and the bill of materials of what is in it."""
    built = images.built(source.folder, source.image, progress, timestamp=source.epoch)
    with progress.step("reading what is in the image"):
        found = contents.read(built.archive)
    stem = f"nginx-operator-{source.version}"
    archive = into / f"{stem}-image-{found.architecture}.tar.gz"
    with progress.step("compressing the image"):
        archives.compress(built.archive, archive)
    materials = into / f"{stem}-image-{found.architecture}.cdx.json"
    materials.write_text(sbom.written(found, source.image, source.epoch), encoding="utf-8")
    return [archive, materials]


def checksums(files: list[Path], into: Path) -> Path:
    """Write what `sha256sum --check` reads."""
    target = into / CHECKSUMS
    lines = [f"{sha256(file)}  {file.name}\n" for file in sorted(files)]
    target.write_text("".join(lines), encoding="utf-8")
    return target
