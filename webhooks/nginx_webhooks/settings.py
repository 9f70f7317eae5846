"""The command line and the environment as one frozen value."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nginx_operator.logs import LogFormat
from nginx_operator.serving.listening import Address
from nginx_operator.settings import add_log_arguments, address

DEFAULT_BIND: Final = ":10250"


@dataclass(frozen=True, slots=True)
class CertificatePaths:
    """A certificate that somebody else renews."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ManagedCertificate:
    """A certificate authority that the replicas keep in a Secret.

    Attributes:
        namespace: of the Secret and the Service; None means that of the pod or of the kubeconfig's context.
    """

    secret: str
    service: str
    mutating_configuration: str
    validating_configuration: str
    namespace: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """What `serve` does."""

    bind: Address
    health_bind: Address | None
    policy_file: Path | None
    certificate: CertificatePaths | ManagedCertificate
    log_format: LogFormat
    log_level: str


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
      The replicas keep a certificate authority in the Secret, which must exist and may be empty. Each signs a
      certificate for the Service in memory and keeps clientConfig.caBundle of both configurations right. The pod is
      ready as soon as both trust it. Rights needed, on these names only: list, watch and patch of the
      configurations; get, list, watch and patch of the Secret.

SIGTERM: not ready any more, serves on until no request comes (15 s at most), then exits.
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
    managed = serve.add_argument_group("certificate kept by the webhooks")
    managed.add_argument("--secret", metavar="NAME", help="Secret of the certificate authority")
    managed.add_argument("--secret-namespace", metavar="NS", help="its namespace, also that of the Service")
    managed.add_argument("--service", metavar="NAME", help="Service in front of the webhooks")
    managed.add_argument("--mutating-configuration", metavar="NAME", help="MutatingWebhookConfiguration to keep")
    managed.add_argument("--validating-configuration", metavar="NAME", help="ValidatingWebhookConfiguration to keep")
    add_log_arguments(serve)
    return top


def parse(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> Settings | None:
    """The settings of `serve`, or None for `version`. Wrong usage ends the process with code 2."""
    top = parser()
    found = top.parse_args(argv)
    if found.command == "version":
        return None
    try:
        certificate = _certificate(found, environ)
    except ValueError as error:
        top.error(str(error))
    return Settings(
        bind=found.bind,
        health_bind=found.health_bind,
        policy_file=found.policy_file,
        certificate=certificate,
        log_format=found.log_format,
        log_level=found.log_level,
    )


def _certificate(found: argparse.Namespace, environ: Mapping[str, str]) -> CertificatePaths | ManagedCertificate:
    """Exactly one of the two groups, and the whole of it."""
    files = _group(found, "cert_file", "key_file")
    managed = _group(found, "secret", "service", "mutating_configuration", "validating_configuration")
    if found.secret_namespace and not managed:
        raise ValueError("--secret-namespace belongs to --secret")
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
    )


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
