"""The command line and the environment as one frozen value."""

import argparse
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from nginx_operator.logs import LogFormat
from nginx_operator.serving.listening import Address
from nginx_operator.settings import add_log_arguments, address
from nginx_webhooks.certificates.live import TLS_VERSIONS

DEFAULT_BIND: Final = ":10250"
#: Seconds that `rotate` waits: far more than the webhooks take.
ROTATE_TIMEOUT: Final = 120
#: Who fills the Secret: the webhooks, cert-manager, or somebody by hand. The words are those of the chart's values.
Mode = Literal["auto", "certManager", "existingSecret"]


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


_DESCRIPTION: Final = """\
Admission webhooks of the nginx operator.

  POST /mutate    writes spec.count and spec.image into an Nginx that leaves them out
  POST /validate  refuses an Nginx that breaks a rule or the policy; also numbers of `kubectl scale`
  /mutate/CLASS and /validate/CLASS do so by the policy of a class of namespaces
"""

_SERVE: Final = f"""\
{_DESCRIPTION}
The certificate comes from one of two places:

  --cert-file and --key-file
      PEM files, read again when they change. No cluster is needed.

  --secret, --service, --mutating-configuration and --validating-configuration
      A Secret, for the Service's name. The pod is ready as soon as clientConfig.caBundle of both configurations
      verifies it. Needed are list and watch of all three, by name, and beyond that:

      --cert-mode auto            The replicas keep a certificate authority in the Secret, which must exist and may be
                                  empty. Each signs a certificate in memory, and they keep the caBundles right.
                                  get and patch of the Secret, patch of the configurations.
      --cert-mode certManager     cert-manager fills the Secret and writes the caBundles. No further right.
      --cert-mode existingSecret  Somebody else fills the Secret (tls.crt, tls.key, ca.crt); the replicas write ca.crt
                                  into the caBundles. get of the Secret, patch of the configurations.

SIGTERM: not ready any more, serves on until no request comes (15 s at most), then exits.
"""

_ROTATE: Final = """\
Begins a rotation of the certificate authority (mode auto), and waits until the webhooks sign by the new one. No
admission fails meanwhile: the old authority stays trusted until its last certificate has expired.

From outside of the cluster:

  kubectl exec -n nginx-operator-system deployment/nginx-operator-webhooks -- nginx-webhooks rotate

exit codes:
  0  the new authority signs
  1  the rotation cannot begin, or was not finished in time
  2  wrong usage
"""

_EPILOG: Final = """\
environment:
  POD_NAMESPACE   default of --secret-namespace
  KUBECONFIG      how to reach the cluster from outside; in a pod its ServiceAccount is used

exit codes:
  0  ended by SIGTERM or SIGINT
  1  waiting cannot help: no cluster, unusable policy or certificate files, address taken
  2  wrong usage

examples:
  nginx-webhooks serve --bind 127.0.0.1:10250 --cert-file tls.crt --key-file tls.key
  nginx-webhooks serve --bind :10250 --health-bind :8081 --policy-file /etc/nginx-operator/policy.yaml \\
      --secret nginx-operator-ca --service nginx-operator-webhooks \\
      --mutating-configuration nginx-operator --validating-configuration nginx-operator
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("nginx-webhooks", description=_DESCRIPTION, formatter_class=raw, allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("version", help="print the version", description="Prints the version.")
    serve = commands.add_parser(
        "serve",
        help="answer admission reviews",
        description=_SERVE,
        epilog=_EPILOG,
        formatter_class=raw,
        allow_abbrev=False,
    )
    serve.add_argument(
        "--bind",
        type=address,
        default=DEFAULT_BIND,
        metavar="HOST:PORT",
        help="HTTPS address; no host means all addresses, port 0 a free one (default %(default)s)",
    )
    serve.add_argument(
        "--health-bind",
        type=address,
        metavar="HOST:PORT",
        help="plain HTTP address of /healthz, /readyz and /metrics (default none)",
    )
    serve.add_argument(
        "--policy-file",
        type=Path,
        metavar="FILE",
        help="YAML with defaultCount, minCount, maxCount, defaultImage, namespaces and classes; read again when it "
        "changes (default: count 1, allowed 0 to 100)",
    )
    files = serve.add_argument_group("certificate from files")
    files.add_argument("--cert-file", type=Path, metavar="FILE", help="certificate chain, PEM")
    files.add_argument("--key-file", type=Path, metavar="FILE", help="its unencrypted key, PEM")
    managed = serve.add_argument_group("certificate from a Secret")
    managed.add_argument("--cert-mode", choices=get_args(Mode), help="who fills the Secret (default auto)")
    managed.add_argument("--secret", metavar="NAME", help="the Secret")
    managed.add_argument("--secret-namespace", metavar="NS", help="its namespace, also that of the Service")
    managed.add_argument("--service", metavar="NAME", help="Service in front of the webhooks")
    managed.add_argument("--mutating-configuration", metavar="NAME", help="MutatingWebhookConfiguration to keep")
    managed.add_argument("--validating-configuration", metavar="NAME", help="ValidatingWebhookConfiguration to keep")
    tls = serve.add_argument_group("TLS")
    tls.add_argument(
        "--tls-min-version",
        choices=sorted(TLS_VERSIONS),
        default="VersionTLS12",
        help="the oldest TLS that may be spoken; 1.3 is offered in any case (default %(default)s)",
    )
    tls.add_argument(
        "--client-ca-file",
        type=Path,
        metavar="FILE",
        help="demand a client certificate by one of these authorities, PEM; read again when it changes (default none)",
    )
    tls.add_argument(
        "--client-name",
        action="append",
        default=[],
        metavar="NAME",
        help="common name or subject alternative name that a client certificate may have; may be repeated",
    )
    add_log_arguments(serve)
    rotate = commands.add_parser(
        "rotate",
        help="make the webhooks sign by a new certificate authority",
        description=_ROTATE,
        formatter_class=raw,
        allow_abbrev=False,
    )
    rotate.add_argument("--secret", metavar="NAME", help="Secret of the authority (default: $CA_SECRET)")
    rotate.add_argument("--secret-namespace", metavar="NS", help="its namespace (default: $POD_NAMESPACE)")
    rotate.add_argument(
        "--timeout",
        type=_seconds,
        default=ROTATE_TIMEOUT,
        metavar="SECONDS",
        help="how long to wait for the webhooks (default %(default)s)",
    )
    return top


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


def _seconds(text: str) -> int:
    """A whole number from 1 on, as a type of argparse.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 1 on")
    return int(text)


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
