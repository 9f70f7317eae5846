"""What is installed in an image: read from its layers, with nothing run and nothing unpacked."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from typing import IO

DPKG = "var/lib/dpkg/status"
OURS = re.compile(r"opt/venv/lib/python[^/]+/site-packages/[^/]+\.dist-info/METADATA")
"""Python packages of the operator's own environment. Debian's own are packages of Debian already."""
WANTED = re.compile(rf"{DPKG}|{OURS.pattern}")
WHITEOUT = ".wh."
"""Before a file's name in a layer: the file of the layers below is gone. `.wh..wh..opq` is said of a whole folder."""


@dataclass(frozen=True)
class Contents:
    """What an image is made of.

    Attributes:
        digest: the image's id: SHA-256 of its configuration, in hexadecimal digits.
        architecture: in the words of images and of Debian, such as `amd64`.
        debian: a paragraph of dpkg's status for each package that is installed, by name.
        python: the core metadata of each Python package, by name.
    """

    digest: str
    architecture: str
    debian: list[Message]
    python: list[Message]


def read(archive: Path) -> Contents:
    """Read an image from a docker-archive that holds one.

    Raises:
        ValueError: the archive holds several, or no Debian.
    """
    with tarfile.open(archive) as tar:
        images = json.loads(_content(tar, "manifest.json"))
        if len(images) != 1:
            raise ValueError(f"{archive} holds {len(images)} images, and a release has one.")
        (image,) = images
        files: dict[str, bytes] = {}
        for layer in image["Layers"]:
            with opened(tar, layer) as content, tarfile.open(fileobj=content) as below:
                _lay_upon(files, below)
        architecture = json.loads(_content(tar, image["Config"]))["architecture"]
    if DPKG not in files:
        raise ValueError(f"{archive} has no {DPKG}: its packages cannot be told.")
    python = [_message(content) for path, content in files.items() if OURS.fullmatch(path)]
    return Contents(
        digest=image["Config"].removesuffix(".json"),
        architecture=architecture,
        debian=sorted(_installed(files[DPKG]), key=lambda package: str(package["Package"])),
        python=sorted(python, key=lambda package: str(package["Name"])),
    )


def _lay_upon(files: dict[str, bytes], layer: tarfile.TarFile) -> None:
    """Change `files` as the layer does."""
    for member in layer:
        path = PurePosixPath(member.name.removeprefix("./"))
        if path.name.startswith(WHITEOUT):
            name = path.name.removeprefix(WHITEOUT)
            gone = path.parent if name.startswith(WHITEOUT) else path.with_name(name)
            for known in [known for known in files if PurePosixPath(known).is_relative_to(gone)]:
                del files[known]
        elif member.isfile() and WANTED.fullmatch(str(path)):
            files[str(path)] = _content(layer, member)


def _installed(status: bytes) -> Iterator[Message]:
    for paragraph in re.split(rb"\n{2,}", status.strip()):
        package = _message(paragraph)
        if str(package["Status"]).endswith(" installed"):
            yield package


def _message(content: bytes) -> Message:
    """Core metadata and dpkg's status are both headers as in a mail."""
    return HeaderParser().parsestr(content.decode())


def opened(tar: tarfile.TarFile, member: str | tarfile.TarInfo) -> IO[bytes]:
    """Return a file of an archive, to be read.

    Raises:
        ValueError: it is something else than a file.
    """
    content = tar.extractfile(member)
    if content is None:
        raise ValueError(f"{tar.name!r}: {member} is no file")
    return content


def _content(tar: tarfile.TarFile, member: str | tarfile.TarInfo) -> bytes:
    with opened(tar, member) as content:
        return content.read()
