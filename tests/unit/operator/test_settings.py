"""Flags and environment."""

import argparse
from collections.abc import Mapping, Sequence

import pytest

from nginx_operator.settings import Settings, add_arguments, from_arguments


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return from_arguments(parser.parse_args(arguments), environ)


def test_defaults() -> None:
    assert parse([], {"POD_NAME": "p"}) == Settings(identity="p")


def test_flags() -> None:
    found = parse(["--namespace", "b", "--namespace", "a", "--namespace", "b", "--no-leader-election"], {})
    assert found.namespaces == ("b", "a")
    assert not found.leader_election


def test_the_pods_namespace_is_the_default_of_the_lease_and_the_probe() -> None:
    found = parse(["--admission-probe-namespace", "x"], {"POD_NAMESPACE": "own"})
    assert (found.lease_namespace, found.probe_namespace) == ("own", "x")


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "soon"])
def test_a_resync_period_that_makes_no_sense_is_refused(text: str) -> None:
    assert parse(["--resync-period", "1.5"], {}).resync_period == 1.5
    with pytest.raises(SystemExit):
        parse(["--resync-period", text], {})


def test_a_wrong_address_is_a_mistake_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--metrics-bind", "8080"], {})
    assert ended.value.code == 2
    assert "'8080' is not HOST:PORT" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("addresses", "families"),
    [
        ("", ("IPv4", "IPv6")),
        ("10.0.0.7", ("IPv4",)),
        ("fd00::7", ("IPv6",)),
        ("fd00::7,10.0.0.7", ("IPv4", "IPv6")),
    ],
)
def test_nginx_listens_on_the_families_that_pods_have(addresses: str, families: tuple[str, ...]) -> None:
    assert parse([], {"POD_IPS": addresses}).pod_ip_families == families
