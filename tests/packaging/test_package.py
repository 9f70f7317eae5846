"""A release: made of a commit alone, twice the same, and complete. `make package-check` shows it for the image, too."""

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

import pytest
import yaml

from release import archives, build, twice
from release.source import PLACEHOLDER, ROOT, Source, exported
from testbed import cache, gobuild
from testbed.progress import SILENT

REGISTRY = "registry.example.org/team"


@pytest.fixture(scope="module")
def source() -> Iterator[Source]:
    """The last commit, for a registry that is not the placeholder."""
    with exported("HEAD", REGISTRY) as source:
        yield source


@pytest.fixture(scope="module")
def made(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release without the image, whose making takes a minute."""
    return write(source, tmp_path_factory.mktemp("first"))


def write(source: Source, into: Path) -> Path:
    build.checksums([build.chart(source, into), *build.distributions(source, into), build.crds(source, into)], into)
    return into


def test_a_second_release_of_a_commit_is_the_same_byte_for_byte(made: Path, tmp_path: Path) -> None:
    with exported("HEAD", REGISTRY) as again:  # another folder, and other inodes
        assert twice.different(made, write(again, tmp_path)) == []


def test_a_file_that_differs_or_is_missing_is_named(tmp_path: Path) -> None:
    for name, files in (("one", {"a": "1", "b": "1", "c": "1"}), ("two", {"a": "1", "b": "2", "d": "1"})):
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
    assert twice.different(tmp_path / "one", tmp_path / "two") == ["b", "c", "d"]


def test_the_second_build_finds_nothing_that_the_first_one_made() -> None:
    known = cache.root()
    with twice.empty_cache():
        assert cache.root() != known
        assert {path.name for path in cache.root().iterdir()} == set(twice.SHARED)
    assert cache.root() == known


def test_all_of_a_release_is_of_the_packages_version(made: Path, source: Source) -> None:
    version = source.version
    assert {file.name for file in made.iterdir()} == {
        f"nginx-operator-{version}.tgz",
        f"nginx_operator-{version}.tar.gz",
        f"nginx_operator-{version}-py3-none-any.whl",
        "nginx-operator-crds.yaml",
        build.CHECKSUMS,
    }
    with zipfile.ZipFile(made / f"nginx_operator-{version}-py3-none-any.whl") as wheel:
        metadata = HeaderParser().parsestr(wheel.read(f"nginx_operator-{version}.dist-info/METADATA").decode())
    assert metadata["Version"] == version


def test_the_chart_installs_the_image_of_its_registry(made: Path, source: Source) -> None:
    archive = made / f"nginx-operator-{source.version}.tgz"
    helm = gobuild.programs(gobuild.HELM4, SILENT) / "helm"
    rendered = subprocess.run([helm, "template", archive, "--kube-version=1.37.2"], capture_output=True, text=True)
    assert f"image: {source.image}\n" in rendered.stdout.replace('"', ""), rendered.stderr
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
        texts = {member.name: tar.extractfile(member).read().decode() for member in members}  # type: ignore[union-attr]
    chart = yaml.safe_load(texts["nginx-operator/Chart.yaml"])
    assert (chart["version"], chart["appVersion"]) == (source.version, source.version)
    assert PLACEHOLDER not in texts["nginx-operator/values.yaml"]
    assert "nginx-operator/templates/crds/nginxes.yaml" in texts
    assert {(member.uid, member.gid, member.mode, member.mtime) for member in members} == {(0, 0, 0o644, source.epoch)}


def test_the_source_distribution_holds_the_packages_and_no_test(made: Path, source: Source) -> None:
    top = f"nginx_operator-{source.version}"
    with tarfile.open(made / f"{top}.tar.gz") as tar:
        names = {name.removeprefix(f"{top}/") for name in tar.getnames()}
    assert {"operator/nginx_operator/__main__.py", "webhooks/nginx_webhooks/__main__.py", "LICENSE"} <= names
    assert [name for name in names if name.startswith(("tests/", "docs/", "charts/"))] == []


def test_the_crds_are_those_of_the_source(made: Path) -> None:
    documents = list(yaml.safe_load_all((made / "nginx-operator-crds.yaml").read_text()))
    assert documents == [yaml.safe_load(file.read_text()) for file in sorted((ROOT / "crds").glob("*.yaml"))]


def test_sha256sum_accepts_the_checksums_until_a_byte_changes(made: Path, tmp_path: Path) -> None:
    for file in made.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    command = ["sha256sum", "--check", "--strict", build.CHECKSUMS]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    with (tmp_path / "nginx-operator-crds.yaml").open("a") as crds:
        crds.write(" ")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1


def test_what_is_not_committed_is_in_no_release(source: Source) -> None:
    listed = subprocess.run(["git", "ls-tree", "-r", "--name-only", source.commit], cwd=ROOT, capture_output=True)
    files = {str(path.relative_to(source.folder)) for path in source.folder.rglob("*") if path.is_file()}
    assert files == set(listed.stdout.decode().split("\n")) - {""}


def test_a_commit_that_is_not_there_is_named() -> None:
    command = [sys.executable, "-m", "release", "--commit", "v99.0.0", "--into", "/nowhere"]
    done = subprocess.run([*command, "--check"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, f"error: There is no commit 'v99.0.0' in {ROOT}.\n")


def test_compression_knows_neither_name_nor_time(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"the same" * 1000)
        archives.compress(tmp_path / name, tmp_path / f"{name}.gz")
        digests.add(hashlib.sha256((tmp_path / f"{name}.gz").read_bytes()).hexdigest())
    assert len(digests) == 1
