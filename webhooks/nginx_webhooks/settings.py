"""The flags and the environment as frozen values."""

import argparse
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nginx_operator.logs import LogFormat
from nginx_operator.serving.listening import Address
from nginx_webhooks.certificates.tls_context import TLS_VERSIONS
from nginx_webhooks.flags import CertificateMode, parser


@dataclass(frozen=True, slots=True)
class CertificatePaths:
    """The files of a certificate that somebody else renews."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class CertificateSecret:
    """The Secret that a certificate comes from, and the objects that go with it.

    Attributes:
        namespace: of the Secret and the Service; None means that of the pod or of the kubeconfig's context.
        mode: what the Secret holds, and who writes it and the caBundles.
    """

    secret: str
    service: str
    mutating_configuration: str
    validating_configuration: str
    namespace: str | None
    mode: CertificateMode = "auto"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """What is demanded of clients.

    Attributes:
        min_version: the oldest TLS that may be spoken.
        client_ca_file: CAs of client certificates; None demands no certificate.
        client_names: common names or subject alternative names, one of which a client certificate must have.
    """

    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    client_ca_file: Path | None = None
    client_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """How to run `serve`."""

    bind: Address
    health_bind: Address | None
    policy_file: Path | None
    release: str
    certificate: CertificatePaths | CertificateSecret
    tls: TlsSettings
    log_format: LogFormat
    log_level: str


@dataclass(frozen=True, slots=True)
class RotateSettings:
    """How to run `rotate`.

    Attributes:
        secret: holds the CAs.
        namespace: None means that of the pod or of the kubeconfig's context.
        timeout: seconds to wait for the webhooks.
    """

    secret: str
    namespace: str | None
    timeout: int


def parse(
    argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ
) -> ServeSettings | RotateSettings | None:
    """The settings of `serve` or `rotate`, or None for `version`. Wrong usage ends the process with code 2."""
    top = parser()
    flags = top.parse_args(argv)
    if flags.command == "version":
        return None
    try:
        if flags.command == "rotate":
            return _rotation(flags, environ)
        certificate, tls = _certificate(flags, environ), _tls(flags)
    except ValueError as error:
        top.error(str(error))
    return ServeSettings(
        bind=flags.bind,
        health_bind=flags.health_bind,
        policy_file=flags.policy_file,
        release=flags.release,
        certificate=certificate,
        tls=tls,
        log_format=flags.log_format,
        log_level=flags.log_level,
    )


def _certificate(flags: argparse.Namespace, environ: Mapping[str, str]) -> CertificatePaths | CertificateSecret:
    """Exactly one of the two groups, and the whole of it."""
    files = _group(flags, "cert_file", "key_file")
    managed = _group(flags, "secret", "service", "mutating_configuration", "validating_configuration")
    for option in ("secret_namespace", "cert_mode"):
        if getattr(flags, option) and not managed:
            raise ValueError(f"--{option.replace('_', '-')} belongs to --secret")
    if bool(files) == bool(managed):
        raise ValueError("give either --cert-file and --key-file, or --secret with the names that belong to it")
    if files:
        return CertificatePaths(flags.cert_file, flags.key_file)
    return CertificateSecret(
        secret=flags.secret,
        service=flags.service,
        mutating_configuration=flags.mutating_configuration,
        validating_configuration=flags.validating_configuration,
        namespace=flags.secret_namespace or environ.get("POD_NAMESPACE") or None,
        mode=flags.cert_mode or "auto",
    )


def _tls(flags: argparse.Namespace) -> TlsSettings:
    """What is demanded of clients. Any client of a CA would be too many: they must be named."""
    if bool(flags.client_ca_file) != bool(flags.client_name):
        raise ValueError("--client-ca-file and --client-name belong together")
    return TlsSettings(TLS_VERSIONS[flags.tls_min_version], flags.client_ca_file, tuple(flags.client_name))


def _rotation(flags: argparse.Namespace, environ: Mapping[str, str]) -> RotateSettings:
    secret = flags.secret or environ.get("CA_SECRET")
    if not secret:
        raise ValueError(
            "--secret is missing. The chart sets CA_SECRET in mode auto; in other modes the certificate is renewed by "
            "whoever fills its Secret (cert-manager: cmctl renew)"
        )
    return RotateSettings(secret, flags.secret_namespace or environ.get("POD_NAMESPACE") or None, flags.timeout)


def _group(flags: argparse.Namespace, *names: str) -> bool:
    """Whether the options of a group are given.

    Raises:
        ValueError: some are and some are not.
    """
    missing = [f"--{name.replace('_', '-')}" for name in names if not getattr(flags, name)]
    if len(missing) == len(names):
        return False
    if missing:
        raise ValueError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    return True
