"""crates.io's sources: what is pinned, which cargo is new enough, what Debian's needs."""

import pytest

from testbed import crates, nginxbuild
from testbed.errors import BedError


def test_nginxs_version_is_that_of_the_pinned_crate() -> None:
    pinned = nginxbuild.crate()
    assert pinned.name == "nginx-src"
    assert pinned.version.endswith(f"+{nginxbuild.version()}")
    assert len(pinned.checksum) == 64


def test_a_crate_that_is_not_pinned_is_named() -> None:
    with pytest.raises(BedError, match="does not pin the crate other"):
        crates.pinned('[[package]]\nname = "one"\nversion = "1"\nchecksum = "0"\n', "other")


@pytest.mark.parametrize(
    ("text", "version"),
    [("cargo 1.95.0 (f2d3ce0bd)\n", (1, 95)), ("error: no toolchain\n", None), ("", None)],
)
def test_cargos_version_is_read(text: str, version: tuple[int, int] | None) -> None:
    assert crates.parse_version(text) == version


def test_what_cargo_needs_to_compile_is_not_fetched() -> None:
    depends = "libc6 (>= 2.34), libgit2-1.5 (>= 1.5.0), rustc-web (= 1.96.0), gcc | clang | c-compiler, a:any | b"
    assert crates.needs(depends) == ["libc6", "libgit2-1.5", "a"]
    assert crates.needs("") == []
