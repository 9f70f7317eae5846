"""The command line and the environment as one frozen value."""

import argparse
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nginx_operator.logs import LogFormat
from nginx_operator.serving.listening import Address
from nginx_webhooks.certificates.serving_certificate import TLS_VERSIONS
from nginx_webhooks.command_line import Mode, parser


@dataclass(frozen=True, slots=True)
class CertificatePaths:
    """A certificate that somebody else renews."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ManagedCertificate:
    """A certificate that comes from a Secret.

    Attributes:
        mode: what the Secret holds, and who writes it and the caBundles.
        namespace: of the Secret and the Service; None means that of the pod or of the kubeconfig's context.
    """

    secret: str
    service: str
    mutating_configuration: str
    validating_configuration: str
    namespace: str | None
    mode: Mode = "auto"


@dataclass(frozen=True, slots=True)
class Tls:
    """What is demanded of clients.

    Attributes:
        minimum: the oldest TLS that may be spoken.
        client_ca_file: authorities of client certificates; None demands none.
        client_names: common names or subject alternative names, one of which a client certificate must have.
    """

    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    client_ca_file: Path | None = None
    client_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What `serve` does."""

    bind: Address
    health_bind: Address | None
    policy_file: Path | None
    certificate: CertificatePaths | ManagedCertificate
    tls: Tls
    log_format: LogFormat
    log_level: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """What `rotate` does.

    Attributes:
        secret: of the certificate authority.
        namespace: None means that of the pod or of the kubeconfig's context.
        timeout: seconds.
    """

    secret: str
    namespace: str | None
    timeout: int


def parse(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> Settings | Rotation | None:
    """The settings of `serve` or `rotate`, or None for `version`. Wrong usage ends the process with code 2."""
    top = parser()
    found = top.parse_args(argv)
    if found.command == "version":
        return None
    try:
        if found.command == "rotate":
            return _rotation(found, environ)
        certificate, tls = _certificate(found, environ), _tls(found)
    except ValueError as error:
        top.error(str(error))
    return Settings(
        bind=found.bind,
        health_bind=found.health_bind,
        policy_file=found.policy_file,
        certificate=certificate,
        tls=tls,
        log_format=found.log_format,
        log_level=found.log_level,
    )


def _certificate(found: argparse.Namespace, environ: Mapping[str, str]) -> CertificatePaths | ManagedCertificate:
    """Exactly one of the two groups, and the whole of it."""
    files = _group(found, "cert_file", "key_file")
    managed = _group(found, "secret", "service", "mutating_configuration", "validating_configuration")
    for option in ("secret_namespace", "cert_mode"):
        if getattr(found, option) and not managed:
            raise ValueError(f"--{option.replace('_', '-')} belongs to --secret")
    if bool(files) == bool(managed):
        raise ValueError("give either --cert-file and --key-file, or --secret with the names that belong to it")
    if files:
        return CertificatePaths(found.cert_file, found.key_file)
    return ManagedCertificate(
        secret=found.secret,
        service=found.service,
        mutating_configuration=found.mutating_configuration,
        validating_configuration=found.validating_configuration,
        namespace=found.secret_namespace or environ.get("POD_NAMESPACE") or None,
        mode=found.cert_mode or "auto",
    )


def _tls(found: argparse.Namespace) -> Tls:
    """What is demanded of clients. Any client of an authority would do too much: name them."""
    if bool(found.client_ca_file) != bool(found.client_name):
        raise ValueError("--client-ca-file and --client-name belong together")
    return Tls(TLS_VERSIONS[found.tls_min_version], found.client_ca_file, tuple(found.client_name))


def _rotation(found: argparse.Namespace, environ: Mapping[str, str]) -> Rotation:
    secret = found.secret or environ.get("CA_SECRET")
    if not secret:
        raise ValueError(
            "--secret is missing. The chart sets CA_SECRET in mode auto; in other modes the certificate is renewed by "
            "whoever fills its Secret (cert-manager: cmctl renew)"
        )
    return Rotation(secret, found.secret_namespace or environ.get("POD_NAMESPACE") or None, found.timeout)


def _group(found: argparse.Namespace, *names: str) -> bool:
    """Whether the options of a group are given.

    Raises:
        ValueError: some are and some are not.
    """
    missing = [f"--{name.replace('_', '-')}" for name in names if not getattr(found, name)]
    if len(missing) == len(names):
        return False
    if missing:
        raise ValueError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    return True
