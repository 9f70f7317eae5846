"""Flags and environment."""

import argparse

import pytest

from nginx_operator.settings import Settings, address, parse


def test_defaults() -> None:
    assert parse([], {"POD_NAME": "p"}) == Settings(identity="p")


def test_flags() -> None:
    found = parse(["--namespace", "b", "--namespace", "a", "--namespace", "b", "--no-leader-election"], {})
    assert found.namespaces == ("b", "a")
    assert not found.leader_election


def test_the_pods_namespace_is_the_default_of_the_lease_and_the_probe() -> None:
    found = parse(["--admission-probe-namespace", "x"], {"POD_NAMESPACE": "own"})
    assert (found.lease_namespace, found.probe_namespace) == ("own", "x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:80", ("::1", 80)), (":80", ("::", 80)), ("h:0", ("h", 0))],
)
def test_address(text: str, expected: tuple[str, int]) -> None:
    assert address(text) == expected


@pytest.mark.parametrize("text", ["80", "h:", "h:x", "h:65536", ""])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not HOST:PORT"):
        address(text)
