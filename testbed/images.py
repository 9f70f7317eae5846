"""The images of the test bed: ours, built from the project's Dockerfile, and the nginx that it operates.

They carry the names that the chart uses, but nothing is pulled: the nginx is Debian's and the Python
under our image is Debian's too, both made on this machine. `images/README.md` says it to people.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Sequence
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
NGINX_RECIPE = Path(__file__).parent / "images/nginx"

PYTHON_IMAGE = "docker.io/library/python:3.11-slim-bookworm"
PYTHON_PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
NGINX_PACKAGES = ("nginx-light",)
NGINX_UID = 101

DEFAULT_REPOSITORY = "registry.example.com/nginx-operator"
DEFAULT_NGINX = "docker.io/nginxinc/nginx-unprivileged:1.30-alpine"
NEXT_NGINX_TAG = "1.31-alpine"


@dataclass(frozen=True)
class BuiltImage:
    """An archive, and the names of the images in it."""

    archive: Path
    names: tuple[str, ...]


def _yaml(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}


def operator_name(tag: str | None = None) -> str:
    """Return our image's name: the chart's, and its appVersion where there is no `tag`."""
    image = _yaml(CHART / "values.yaml").get("image") or {}
    parts = [image.get("registry"), image.get("repository", DEFAULT_REPOSITORY)]
    return f"{'/'.join(filter(None, parts))}:{tag or app_version()}"


def app_version() -> str:
    """Return the chart's appVersion."""
    return str(_yaml(CHART / "Chart.yaml").get("appVersion", "0.1.0"))


def nginx_names() -> tuple[str, str]:
    """Return the names of the two nginx images: the chart's default, and the one to upgrade to."""
    first = (_yaml(CHART / "values.yaml").get("nginx") or {}).get("image", DEFAULT_NGINX)
    return first, f"{first.rpartition(':')[0]}:{NEXT_NGINX_TAG}"


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

    return BuiltImage(_made("operator", key, f"building {name}", make, progress), (name,))


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
        _write_archive(target, tree, [(PYTHON_IMAGE, None)], config)

    return _made(
        "python",
        _python_key(),
        f"making a base image from Debian's {PYTHON_PACKAGES[1]} (once)",
        make,
        progress,
    )


def nginx(progress: Progress = SILENT) -> BuiltImage:
    """Return the two nginx images, in one archive.

    Raises:
        BedError: the machine cannot build images, or debootstrap failed.
    """
    names = nginx_names()
    recipe = cache.key_of_files(NGINX_RECIPE, NGINX_RECIPE.iterdir())
    key = cache.key(rootfs.SHAPE, *NGINX_PACKAGES, recipe, *names)

    def make(target: Path, step: Step) -> None:
        tree = target / "root"
        rootfs.make(tree, NGINX_PACKAGES, step)
        _furnish_nginx(tree)
        layers: list[tuple[str, Path | None]] = []
        for index, name in enumerate(names):
            layer = target / f"tag-{index}.tar"
            write_tag_layer(layer, name.rpartition(":")[2])
            layers.append((name, layer))
        config = {
            "Cmd": ["nginx", "-g", "daemon off;"],
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "ExposedPorts": {"8080/tcp": {}},
            "StopSignal": "SIGQUIT",
            "User": str(NGINX_UID),
        }
        _write_archive(target, tree, layers, config)

    return BuiltImage(_made("nginx", key, "making nginx images from Debian's nginx (once)", make, progress), names)


def _furnish_nginx(tree: Path) -> None:
    """Set Debian's nginx up as the nginx-unprivileged image has it."""
    etc = tree / "etc/nginx"
    for path in etc.iterdir():
        if path.name != "mime.types":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    (etc / "conf.d").mkdir()
    html = tree / "usr/share/nginx/html"
    html.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(NGINX_RECIPE / "nginx.conf", etc / "nginx.conf")
    shutil.copyfile(NGINX_RECIPE / "default.conf", etc / "conf.d/default.conf")
    shutil.copyfile(NGINX_RECIPE / "50x.html", html / "50x.html")
    for file, line in (
        ("passwd", "nginx:x:{0}:{0}:nginx:/nonexistent:/bin/false"),
        ("group", "nginx:x:{0}:"),
    ):
        with (tree / "etc" / file).open("a", encoding="utf-8") as accounts:
            accounts.write(f"{line.format(NGINX_UID)}\n")
    log = tree / "var/log/nginx"
    log.mkdir(exist_ok=True)
    (log / "access.log").symlink_to("/dev/stdout")
    (log / "error.log").symlink_to("/dev/stderr")
    for folder in ("var/cache/nginx", "var/log/nginx"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
        shutil.chown(tree / folder, NGINX_UID, NGINX_UID)


def write_tag_layer(layer: Path, tag: str) -> None:
    """Write the layer by which the images differ: a default page and a header that say the tag."""
    page = (NGINX_RECIPE / "index.html").read_text(encoding="utf-8").replace("@TAG@", tag)
    with tarfile.open(layer, "w") as tar:
        archives.add_file(tar, "usr/share/nginx/html/index.html", page.encode())
        archives.add_file(tar, "etc/nginx/image.conf", f'add_header X-Testbed-Image "{tag}" always;\n'.encode())


def _write_archive(target: Path, tree: Path, tops: Sequence[tuple[str, Path | None]], config: dict[str, Any]) -> None:
    """Pack `tree` as the layer that all images share, write the archive, and delete what it is made of."""
    base = target / "base.tar"
    rootfs.pack(tree, base)
    shutil.rmtree(tree)
    images = [archives.Image(name, [base, top] if top else [base], config) for name, top in tops]
    archives.write(target / "image.tar", images, rootfs.architecture())
    for layer in target.glob("*.tar"):
        if layer.name != "image.tar":
            layer.unlink()


def _made(kind: str, key: str, what: str, make: Callable[[Path, Step], None], progress: Progress) -> Path:
    folder = cache.root() / "images" / f"{kind}-{key}"
    if not folder.is_dir():
        debian.provide("image", progress)

    def in_a_step(target: Path) -> None:
        with progress.step(what) as step:
            make(target, step)

    return cache.made(folder, in_a_step) / "image.tar"
