"""Images: their names, what they depend on, and the archives that carry them."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import pytest
import yaml

from testbed import archives, buildah, dockerfile, images, nginxbuild, nginximages, rootfs
from testbed.errors import BedError

DOCKERFILE = """\
# COPY nothing /here
FROM docker.io/library/python:3.11-slim-bookworm AS build
COPY requirements/runtime.txt /src/
COPY --chown=1:1 operator \\
     crds/*.yaml /src/
FROM docker.io/library/python:3.11-slim-bookworm
COPY --from=build /opt/venv /opt/venv
FROM build AS last
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for name in (
        "Dockerfile",
        ".dockerignore",
        "requirements/runtime.txt",
        "requirements/dev.txt",
        "operator/a.py",
        "operator/__pycache__/a.pyc",
        "crds/a.yaml",
        "crds/README.md",
        "other.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(DOCKERFILE if name == "Dockerfile" else name)
    return tmp_path


def test_a_dockerfiles_bases_are_read_without_its_own_stages() -> None:
    assert dockerfile.bases(DOCKERFILE) == [images.PYTHON_IMAGE]


def test_what_it_copies_is_read() -> None:
    assert dockerfile.copied(DOCKERFILE) == ["requirements/runtime.txt", "operator", "crds/*.yaml"]


def test_an_image_depends_on_what_is_copied_and_nothing_else(context: Path) -> None:
    files = [str(file.relative_to(context)) for file in dockerfile.sources(context, DOCKERFILE)]
    assert files == [".dockerignore", "Dockerfile", "crds/a.yaml", "operator/a.py", "requirements/runtime.txt"]


def test_a_base_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM docker.io/library/golang:1\n")
    with pytest.raises(BedError, match=r"but not .*golang:1"):
        images.operator(context=tmp_path)


def test_a_missing_dockerfile_is_named(tmp_path: Path) -> None:
    with pytest.raises(BedError, match=r"There is no .*Dockerfile"):
        images.operator(context=tmp_path)


def test_names_come_from_the_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "CHART", tmp_path)
    assert images.operator_name() == "registry.example.com/nginx-operator:0.1.0"
    (tmp_path / "Chart.yaml").write_text("appVersion: 2.3.4\n")
    (tmp_path / "values.yaml").write_text(
        "image: {repository: registry.example.org/op}\nnginx: {image: 'registry.example.org:5000/nginx:1'}\n"
    )
    assert images.operator_name() == "registry.example.org/op:2.3.4"
    assert images.operator_name("next") == "registry.example.org/op:next"
    assert nginximages.name() == "registry.example.org:5000/nginx:1"
    assert nginximages.name("1.22.1") == "registry.example.org:5000/nginx:1.22.1"
    new, default, *_ = nginximages.names("1.28.3")
    assert (new, default) == ("registry.example.org:5000/nginx:1.28.3", "registry.example.org:5000/nginx:1")


def test_the_bed_has_each_image_that_an_example_names() -> None:
    def named(value: object) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(named, value))
        if not isinstance(value, dict):
            return set()
        own = {value["image"]} if isinstance(value.get("image"), str) else set()
        changed = {f"{value['name']}:{value['newTag']}"} if "newTag" in value else set()
        return own | changed | named(list(value.values()))

    examples = (images.PROJECT / "examples").rglob("*.yaml")
    found = set().union(*(named(document) for file in examples for document in yaml.safe_load_all(file.read_text())))
    assert found
    assert found <= set(nginximages.names(nginxbuild.version()))


def test_an_archive_shares_layers_and_names_each_image(tmp_path: Path) -> None:
    base, top = tmp_path / "base.tar", tmp_path / "top.tar"
    for layer in (base, top):
        with tarfile.open(layer, "w") as tar:
            archives.add_file(tar, layer.stem, b"x")
    built = [archives.Image(["a:1", "a:one"], [base], {"User": "1"}), archives.Image(["a:2"], [base, top], {})]
    archives.write(tmp_path / "image.tar", built)

    with tarfile.open(tmp_path / "image.tar") as tar:
        names = tar.getnames()
        assert len([name for name in names if name.endswith("layer.tar")]) == 2

        def content(name: str) -> bytes:
            file = tar.extractfile(name)
            assert file is not None
            return file.read()

        manifest = json.loads(content("manifest.json"))
        assert [entry["RepoTags"] for entry in manifest] == [["a:1", "a:one"], ["a:2"]]
        for entry in manifest:
            digests = [f"sha256:{hashlib.sha256(content(layer)).hexdigest()}" for layer in entry["Layers"]]
            assert json.loads(content(entry["Config"]))["rootfs"]["diff_ids"] == digests


def test_an_archive_depends_on_its_content_alone(tmp_path: Path) -> None:
    layer = tmp_path / "layer.tar"
    with tarfile.open(layer, "w") as tar:
        archives.add_file(tar, "file", b"x")
    written = []
    for number in (1, 2):
        layer.touch()
        archives.write(tmp_path / str(number), [archives.Image(["a:1"], [layer], {})])
        written.append((tmp_path / str(number)).read_bytes())
    assert written[0] == written[1]


def test_pips_configuration_reaches_the_build_without_what_is_the_machines() -> None:
    listing = (
        "global.index-url='https://packages.example.com/python'\n"
        ":env:.find-links='/opt/wheels'\n"
        "global.cert='/somewhere/ca.pem'\n"
        ":env:.trusted-host='a.example b.example'\n"
    )
    assert buildah.pip_conf(listing, certificates=True) == (
        "[global]\n"
        "index-url = https://packages.example.com/python\n"
        "trusted-host = a.example\n    b.example\n"
        "cert = /etc/ssl/certs/ca-certificates.crt\n"
    )
    assert "cert" not in buildah.pip_conf("", certificates=False)


def test_a_build_pulls_nothing_and_bakes_in_no_configuration() -> None:
    mounts = {Path("/tmp/pip.conf"): "/etc/pip.conf"}
    arguments = buildah.build_arguments(Path("/project"), "a:1", {"VERSION": "1"}, mounts, timestamp=12)
    assert "--pull=never" in arguments
    assert "--timestamp=12" in arguments
    assert "--volume=/tmp/pip.conf:/etc/pip.conf:ro" in arguments
    assert not [argument for argument in arguments if argument.startswith("--env")]


def test_the_mirror_is_the_machines_own_where_the_suite_is() -> None:
    targets = "https://a.example.com/debian trixie\nhttps://b.example.com/debian bookworm\n"
    assert rootfs.pick_mirror(targets) == "https://b.example.com/debian"
    assert rootfs.pick_mirror(targets, "bookworm-security") is None
    assert rootfs.pick_mirror("https://a.example.com/ubuntu noble\n") is None


def test_trimming_keeps_what_programs_need(tmp_path: Path) -> None:
    kept = {"usr/share/doc/nginx/copyright", "etc/nginx/nginx.conf", "usr/bin/nginx"}
    for name in (*kept, "usr/share/doc/nginx/changelog.gz", "var/log/nginx/error.log", "etc/resolv.conf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    rootfs.trim(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == kept
    assert (tmp_path / "var/log/nginx").is_dir()
