"""The cache: what makes a key, and that an entry is there whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from testbed import cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_it_lies_below_the_users_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.root() == tmp_path / "nginx-operator-testbed"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache.root() == Path("/home/someone/.cache/nginx-operator-testbed")


def test_a_key_tells_where_one_part_ends_and_the_next_begins() -> None:
    assert cache.key("ab", "c") != cache.key("a", "bc")
    assert cache.key("a", b"b") == cache.key("a", "b")


@pytest.mark.parametrize("change", ["content", "name", "mode"])
def test_a_key_of_files_follows_what_matters(tmp_path: Path, change: str) -> None:
    file = tmp_path / "program"
    file.write_text("one")
    before = cache.key_of_files(tmp_path, [file])
    if change == "content":
        file.write_text("two")
    elif change == "name":
        file = file.rename(tmp_path / "other")
    else:
        file.chmod(0o755)
    assert cache.key_of_files(tmp_path, [file]) != before


def test_a_key_of_files_depends_neither_on_order_nor_on_the_folder(tmp_path: Path) -> None:
    keys = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        files = [folder / "x", folder / "y"]
        for file in files:
            file.write_text(file.name)
        keys += [cache.key_of_files(folder, files), cache.key_of_files(folder, files[::-1])]
    assert len(set(keys)) == 1


def test_an_entry_is_made_once() -> None:
    made = []

    def make(target: Path) -> None:
        made.append(target)
        (target / "result").write_text("done")

    folder = cache.root() / "bin/some"
    for _ in range(2):
        assert (cache.made(folder, make) / "result").read_text() == "done"
    assert len(made) == 1
    assert made[0] != folder


def test_a_failure_leaves_no_entry_behind() -> None:
    def fail(target: Path) -> None:
        (target / "half").write_text("half")
        raise RuntimeError("no")

    folder = cache.root() / "bin/some"
    with pytest.raises(RuntimeError):
        cache.made(folder, fail)
    assert list(folder.parent.iterdir()) == []


def test_what_an_interrupted_run_left_is_removed() -> None:
    folder = cache.root() / "bin/some"
    leftover = folder.parent / ".some-abc"
    leftover.mkdir(parents=True)
    cache.made(folder, lambda target: None)
    assert not leftover.exists()


def test_two_at_once_make_it_once() -> None:
    folder = cache.root() / "bin/some"
    entered, release = threading.Event(), threading.Event()
    made: list[Path] = []

    def make(target: Path) -> None:
        made.append(target)
        entered.set()
        release.wait(5)

    threads = [threading.Thread(target=cache.made, args=(folder, make)) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert entered.wait(5)
    release.set()
    for thread in threads:
        thread.join(5)
    assert len(made) == 1
