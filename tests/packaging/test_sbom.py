"""The bill of materials: what is in the layers of an image, in the words of CycloneDX."""

import io
import json
import re
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release import contents, sbom
from release.contents import DPKG, Contents
from release.sbom import canonical
from release.source import ROOT
from testbed import debian, images, rootfs
from testbed.progress import Progress

IMAGE = "registry.example.com/nginx-operator:1.2.3"
DIGEST = "ab12" * 16
SITE = "opt/venv/lib/python3.11/site-packages"
STATUS = """\
Package: zlib1g
Status: install ok installed
Maintainer: Mark Brown <broonie@debian.org>
Architecture: amd64
Source: zlib (1:1.2.13.dfsg-1)
Version: 1:1.2.13.dfsg-1+b1
Description: compression library - runtime
 zlib is a library implementing the deflate compression method found
 in gzip and PKZIP.

Package: removed
Status: deinstall ok config-files
Maintainer: Nobody <nobody@debian.org>
Architecture: all
Version: 1
Description: only its configuration is left

Package: bash
Status: install ok installed
Maintainer: Matthias Klose <doko@debian.org>
Architecture: amd64
Version: 5.2.15-2
Description: GNU Bourne Again SHell
"""
KOPF = "Name: kopf\nVersion: 1.2\nSummary: naïve\nLicense: MIT\n\nLicense: of the text below\n"


def layer(files: Mapping[str, str]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, text in files.items():
            add(tar, f"./{name}", text.encode())
    return written.getvalue()


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def image(path: Path, *layers: Mapping[str, str], count: int = 1) -> Path:
    """A docker-archive."""
    entry = {"Config": f"{DIGEST}.json", "Layers": [f"{index}.tar" for index in range(len(layers))]}
    with tarfile.open(path, "w") as tar:
        add(tar, "manifest.json", json.dumps([entry] * count).encode())
        add(tar, f"{DIGEST}.json", json.dumps({"architecture": "amd64"}).encode())
        for index, files in enumerate(layers):
            add(tar, f"{index}.tar", layer(files))
    return path


def metadata(name: str, version: str, *lines: str) -> dict[str, str]:
    text = "\n".join((f"Name: {name}", f"Version: {version}", *lines, ""))
    return {f"{SITE}/{name}-{version}.dist-info/METADATA": text}


@pytest.fixture
def found(tmp_path: Path) -> Contents:
    lower = {DPKG: STATUS, **metadata("old", "1"), **metadata("Zope.Thing", "2", "License-Expression: ZPL-2.1")}
    upper = {
        f"{SITE}/.wh.old-1.dist-info": "",
        f"{SITE}/kopf-1.2.dist-info/METADATA": KOPF,
        "usr/lib/python3/dist-packages/pip-23.dist-info/METADATA": "Name: pip\nVersion: 23\n",
        **metadata("classic", "3", "License: a text\n  of lines", "Classifier: License :: OSI Approved :: BSD License"),
    }
    return contents.read(image(tmp_path / "image.tar", lower, upper))


def test_the_bill_of_our_image_is_what_its_lock_file_pins() -> None:
    if sentence := debian.missing_for("image"):
        pytest.skip(sentence)
    found = contents.read(images.operator(progress=Progress(sys.__stderr__)).archive)
    lock = (ROOT / "requirements/runtime.txt").read_text()
    pinned = dict(re.findall(r"^(\S+)==(\S+)", lock, re.MULTILINE))
    listed = {canonical(package["Name"]): package["Version"] for package in found.python}
    assert listed == {**pinned, "nginx-operator": images.app_version()}
    assert {"libc6", "libssl3", "python3.11"} <= {package["Package"] for package in found.debian}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom.written(found, IMAGE, 0)) is None


def test_the_base_of_our_image_says_nothing_of_the_machine_that_made_it() -> None:
    if sentence := debian.missing_for("image"):
        pytest.skip(sentence)
    with tarfile.open(images.python_base(Progress(sys.__stderr__))) as tar:
        (entry,) = json.load(contents.opened(tar, "manifest.json"))
        (lowest,) = entry["Layers"]
        with tarfile.open(fileobj=contents.opened(tar, lowest)) as base:
            members = {member.name.removeprefix("./"): member for member in base}
    for left in (
        "etc/apt/sources.list",
        "etc/hostname",
        "etc/resolv.conf",
        "usr/sbin/policy-rc.d",
        "var/cache/apt/archives",
    ):
        assert left not in members
    assert max(member.mtime for member in members.values()) <= rootfs.EPOCH
    assert "usr/share/doc/libc6/copyright" in members


def document(found: Contents) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(sbom.written(found, IMAGE, 1_700_000_000))
    return read


def test_the_layers_are_read_as_they_lie_upon_each_other(found: Contents) -> None:
    assert [package["Package"] for package in found.debian] == ["bash", "zlib1g"]
    assert [package["Name"] for package in found.python] == ["Zope.Thing", "classic", "kopf"]


def test_a_folder_that_a_layer_replaces_is_forgotten(tmp_path: Path) -> None:
    lower = {DPKG: STATUS, **metadata("old", "1")}
    assert contents.read(image(tmp_path / "a", lower, {f"{SITE}/.wh..wh..opq": ""})).python == []


def test_an_archive_without_debian_or_with_two_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no var/lib/dpkg/status"):
        contents.read(image(tmp_path / "a", metadata("kopf", "1")))
    with pytest.raises(ValueError, match="holds 2 images"):
        contents.read(image(tmp_path / "b", {DPKG: STATUS}, count=2))


def test_it_is_valid_and_the_same_each_time(found: Contents) -> None:
    text = sbom.written(found, IMAGE, 1_700_000_000)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert sbom.written(found, IMAGE, 1_700_000_000) == text


def test_scanners_find_each_package_by_its_name(found: Contents) -> None:
    assert {component["purl"] for component in document(found)["components"]} == {
        "pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12",
        "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1%2Bb1?arch=amd64&distro=debian-12&upstream=zlib%401:1.2.13.dfsg-1",
        "pkg:pypi/classic@3",
        "pkg:pypi/kopf@1.2",
        "pkg:pypi/zope-thing@2",
    }


def test_licences_are_told_as_their_packages_tell_them(found: Contents) -> None:
    licences = {component["name"]: component.get("licenses") for component in document(found)["components"]}
    assert licences == {
        "bash": None,
        "zlib1g": None,
        "classic": [{"license": {"name": "BSD License"}}],
        "kopf": [{"license": {"id": "MIT"}}],
        "Zope.Thing": [{"license": {"id": "ZPL-2.1"}}],
    }


def test_it_is_of_the_image_and_of_the_commits_time(found: Contents) -> None:
    read = document(found)
    assert read["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    top = read["metadata"]["component"]
    assert (top["type"], top["name"], top["version"]) == (
        "container",
        "registry.example.com/nginx-operator",
        "1.2.3",
    )
    (hashed,) = top["hashes"]
    assert hashed == {"alg": "SHA-256", "content": DIGEST}
    depends = {entry["ref"]: entry.get("dependsOn", []) for entry in read["dependencies"]}
    assert len(depends[IMAGE]) == len(read["components"])
