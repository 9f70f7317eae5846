import ssl
from pathlib import Path

import pytest

from nginx_operator.serving.listening import Address
from nginx_webhooks.settings import (
    CertificatePaths,
    CertificateSecret,
    RotateSettings,
    ServeSettings,
    TlsSettings,
    parse,
)

FILES = ["serve", "--cert-file", "tls.crt", "--key-file", "tls.key"]
MANAGED = ["serve", "--secret", "ca", "--service", "hooks"]
MANAGED += ["--mutating-configuration", "m", "--validating-configuration", "v"]


def test_files_with_defaults() -> None:
    found = parse(FILES, {})
    assert isinstance(found, ServeSettings)
    assert found.bind == Address("", 10250)
    assert found.health_bind is None
    assert found.policy_file is None
    assert found.certificate == CertificatePaths(Path("tls.crt"), Path("tls.key"))
    assert (found.log_format, found.log_level) == ("plain", "info")


@pytest.mark.parametrize(
    ("argv", "environ", "namespace"),
    [
        (MANAGED, {}, None),
        (MANAGED, {"POD_NAMESPACE": "system"}, "system"),
        ([*MANAGED, "--secret-namespace", "other"], {"POD_NAMESPACE": "system"}, "other"),
    ],
)
def test_the_namespace_comes_from_the_option_then_the_environment(
    argv: list[str], environ: dict[str, str], namespace: str | None
) -> None:
    found = parse(argv, environ)
    assert isinstance(found, ServeSettings)
    assert found.certificate == CertificateSecret("ca", "hooks", "m", "v", namespace)


def test_the_mode_of_the_certificate() -> None:
    found = parse([*MANAGED, "--cert-mode", "certManager"], {})
    assert isinstance(found, ServeSettings)
    assert found.certificate == CertificateSecret("ca", "hooks", "m", "v", None, "certManager")


def test_what_is_demanded_of_clients() -> None:
    found = parse(FILES, {})
    assert isinstance(found, ServeSettings)
    assert found.tls == TlsSettings(ssl.TLSVersion.TLSv1_2, None, ())
    demands = ["--tls-min-version", "VersionTLS13", "--client-ca-file", "x", "--client-name=a", "--client-name=b"]
    found = parse([*FILES, *demands], {})
    assert isinstance(found, ServeSettings)
    assert found.tls == TlsSettings(ssl.TLSVersion.TLSv1_3, Path("x"), ("a", "b"))


@pytest.mark.parametrize(
    ("argv", "environ", "expected"),
    [
        (["--secret=a"], {}, RotateSettings("a", None, 120)),
        ([], {"CA_SECRET": "b", "POD_NAMESPACE": "ns"}, RotateSettings("b", "ns", 120)),
        (["--secret=a", "--secret-namespace=o", "--timeout=5"], {"CA_SECRET": "b"}, RotateSettings("a", "o", 5)),
    ],
)
def test_rotate_finds_the_secret(argv: list[str], environ: dict[str, str], expected: RotateSettings) -> None:
    assert parse(["rotate", *argv], environ) == expected


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        ([], "COMMAND"),
        (["serve"], "--cert-file"),
        (["serve", "--cert-file", "x"], "--key-file is missing"),
        (["serve", "--secret", "x", "--service", "y"], "--mutating-configuration and --validating-configuration are"),
        ([*FILES, *MANAGED[1:]], "either"),
        ([*FILES, "--secret-namespace", "x"], "--secret-namespace"),
        ([*FILES, "--bind", "10250"], "HOST:PORT"),
        ([*FILES, "--cert-mode", "auto"], "--cert-mode belongs to --secret"),
        ([*MANAGED, "--cert-mode", "manual"], "existingSecret"),
        ([*FILES, "--tls-min-version", "1.1"], "VersionTLS12"),
        ([*FILES, "--client-ca-file", "x"], "--client-ca-file and --client-name belong together"),
        ([*FILES, "--client-name", "x"], "--client-ca-file and --client-name belong together"),
        (["rotate"], "The chart sets CA_SECRET in mode auto"),
        (["rotate", "--secret", "x", "--timeout", "0"], "seconds"),
        ([*FILES, "--log-level", "loud"], "loud"),
        ([*FILES, "--cert", "x"], "--cert"),
    ],
)
def test_wrong_usage_ends_with_code_2_and_the_reason(
    argv: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(argv, {})
    assert caught.value.code == 2
    assert word in capsys.readouterr().err


def test_help_tells_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["serve", "--help"], {})
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for word in ("examples:", "environment:", "exit codes:", "SIGTERM", "POD_NAMESPACE", "--health-bind"):
        assert word in text
