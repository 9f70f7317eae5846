"""Image archives, written without an image builder: layers are tar files, an image is a list of layers.

The format is the docker-archive, which containerd and buildah import alike. Images in one archive share
their layers, so a second tag of an image costs what differs.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed import cache
from testbed.node import PAUSE_IMAGE

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CREATED = "1970-01-01T00:00:00Z"
"""A fixed date, so that an archive depends on its content alone."""


@dataclass(frozen=True)
class Image:
    """An image of an archive.

    Attributes:
        names: with their tags.
        layers: tar files, the lowest first.
        config: what a Dockerfile would set: `Cmd`, `User`, `Env` and so on.
    """

    names: Sequence[str]
    layers: Sequence[Path]
    config: Mapping[str, Any]


def write(archive: Path, images: Sequence[Image], architecture: str = "amd64") -> None:
    """Write an archive of `images`."""
    digests = {layer: sha256(layer) for image in images for layer in image.layers}
    manifest = []
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for layer, digest in digests.items():
            tar.add(layer, f"{digest}/layer.tar", filter=_anonymous)
        for image in images:
            config = image_config(image, [digests[layer] for layer in image.layers], architecture)
            file = f"{hashlib.sha256(config).hexdigest()}.json"
            add_file(tar, file, config)
            layers = [f"{digests[layer]}/layer.tar" for layer in image.layers]
            manifest.append({"Config": file, "RepoTags": list(image.names), "Layers": layers})
        add_file(tar, "manifest.json", json.dumps(manifest).encode())


def image_config(image: Image, layer_digests: Sequence[str], architecture: str) -> bytes:
    """Return an image's configuration, JSON."""
    return json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "created": CREATED,
            "config": dict(image.config),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in layer_digests]},
            "history": [{"created": CREATED, "created_by": "test bed"} for _ in layer_digests],
        },
        sort_keys=True,
    ).encode()


def add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """Add a file of root's to a layer or an archive."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = mode
    tar.addfile(info, io.BytesIO(content))


def pause(program: Path) -> Path:
    """Return the archive of the pause image, written if need be; `program` is its only file."""
    folder = cache.root() / "images" / f"pause-{cache.key(program.read_bytes(), PAUSE_IMAGE)}"

    def make(target: Path) -> None:
        layer = target / "layer.tar"
        with tarfile.open(layer, "w") as tar:
            add_file(tar, "pause", program.read_bytes(), 0o755)
        write(
            target / "image.tar",
            [Image([PAUSE_IMAGE], [layer], {"Entrypoint": ["/pause"], "User": "65535:65535"})],
        )
        layer.unlink()

    return cache.made(folder, make) / "image.tar"


def sha256(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = 0
    return info
