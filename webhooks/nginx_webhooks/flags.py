"""The commands, their flags and their help. settings.py checks them and makes settings of them."""

import argparse
from pathlib import Path
from typing import Final, Literal, get_args

from nginx_operator import logs
from nginx_operator.serving.listening import bind_address
from nginx_webhooks.certificates.tls_context import TLS_VERSIONS

#: Who fills the Secret: the webhooks, cert-manager, or somebody by hand. The words are those of the chart's values.
CertificateMode = Literal["auto", "certManager", "existingSecret"]

_DEFAULT_BIND: Final = ":10250"
#: Seconds that `rotate` waits: far more than the webhooks take.
_ROTATE_TIMEOUT: Final = 120

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
    """The parser of the whole command line."""
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
    _add_serve_flags(serve)
    rotate = commands.add_parser(
        "rotate",
        help="make the webhooks sign by a new certificate authority",
        description=_ROTATE,
        formatter_class=raw,
        allow_abbrev=False,
    )
    _add_rotate_flags(rotate)
    return top


def _add_serve_flags(serve: argparse.ArgumentParser) -> None:
    serve.add_argument(
        "--bind",
        type=bind_address,
        default=_DEFAULT_BIND,
        metavar="HOST:PORT",
        help="HTTPS address; no host means all addresses, port 0 a free one (default %(default)s)",
    )
    serve.add_argument(
        "--health-bind",
        type=bind_address,
        metavar="HOST:PORT",
        help="plain HTTP address of /healthz, /readyz and /metrics (default none)",
    )
    serve.add_argument(
        "--policy-file",
        type=Path,
        metavar="FILE",
        help="YAML with defaultCount, minCount, maxCount, defaultImage, fixedIDs, namespaces and classes; read again "
        "when it changes (default: count 1, allowed 0 to 100)",
    )
    serve.add_argument(
        "--release",
        default="",
        metavar="NS/NAME",
        help="the Helm release that a refusal names as the policy's, where there are several (default: the cluster)",
    )
    files = serve.add_argument_group("certificate from files")
    files.add_argument("--cert-file", type=Path, metavar="FILE", help="certificate chain, PEM")
    files.add_argument("--key-file", type=Path, metavar="FILE", help="its unencrypted key, PEM")
    managed = serve.add_argument_group("certificate from a Secret")
    managed.add_argument("--cert-mode", choices=get_args(CertificateMode), help="who fills the Secret (default auto)")
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
    logs.add_arguments(serve)


def _add_rotate_flags(rotate: argparse.ArgumentParser) -> None:
    rotate.add_argument("--secret", metavar="NAME", help="Secret of the authority (default: $CA_SECRET)")
    rotate.add_argument("--secret-namespace", metavar="NS", help="its namespace (default: $POD_NAMESPACE)")
    rotate.add_argument(
        "--timeout",
        type=_seconds,
        default=_ROTATE_TIMEOUT,
        metavar="SECONDS",
        help="how long to wait for the webhooks (default %(default)s)",
    )


def _seconds(text: str) -> int:
    """A whole number from 1 on, as a type of argparse.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 1 on")
    return int(text)
