"""The previous release, as a chart and an image, and charts that mix the CRD of one release with the rest of the other.

PREVIOUS=<tag or commit> says which; else it is the newest tag. Before there is one, it is this tree under another
version and image tag. Where the CRD did not change, a text of it does here.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from testbed import Bed, images
from testbed.images import CHART, PROJECT
from testbed.progress import Progress

VERSION = "0.0.0-previous"
_CRD = Path("files/crds/proxy.example.com_nginxes.yaml")


@dataclass(frozen=True)
class Versions:
    """Folders of charts.

    Attributes:
        name: of the previous release, as the table has it.
        previous: the chart of the previous release.
        previous_with_this_crd: the same, but for the CRD, which is of this tree.
        this: the chart of this tree.
        this_with_previous_crd: the same, but for the CRD, which is the previous one.
    """

    name: str
    previous: Path
    previous_with_this_crd: Path
    this: Path
    this_with_previous_crd: Path


def previous_commit() -> str:
    """PREVIOUS, or the newest tag; empty if there is none."""
    command = ["git", "describe", "--tags", "--abbrev=0", "--match=v*", "HEAD"]
    found = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    return os.environ.get("PREVIOUS") or found.stdout.strip()


def made(bed: Bed, folder: Path, progress: Progress) -> Versions:
    """The charts, in that folder; the image of the previous release is loaded into the bed's node."""
    if commit := previous_commit():
        source = _exported(commit, folder / "source")
        image = images.operator(VERSION, progress, context=source)
        bed.load_image(image.archive)
        previous = shutil.copytree(source / "charts" / CHART.name, folder / "previous")
    else:
        bed.tag_image(images.operator_name(), images.operator_name(VERSION))
        previous = shutil.copytree(CHART, folder / "previous")
    if (previous / _CRD).read_bytes() == (CHART / _CRD).read_bytes():
        _replace(previous / _CRD, r"(description: How many nginx pods are) wanted", r"\1 asked for")
    _replace(previous / "Chart.yaml", r"(?m)^(version|appVersion): .+$", rf"\1: {VERSION}")
    mixed = (shutil.copytree(previous, folder / "previous-mixed"), shutil.copytree(CHART, folder / "this-mixed"))
    shutil.copyfile(CHART / _CRD, mixed[0] / _CRD)
    shutil.copyfile(previous / _CRD, mixed[1] / _CRD)
    return Versions(commit or "variant", previous, mixed[0], CHART, mixed[1])


def _exported(commit: str, folder: Path) -> Path:
    """The files of a commit."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=PROJECT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    return folder


def _replace(file: Path, pattern: str, new: str) -> None:
    text, number = re.subn(pattern, new, file.read_text(encoding="utf-8"))
    assert number, f"{file} has nothing like {pattern}"
    file.write_text(text, encoding="utf-8")
