"""The command line: run, lint, check, version."""

import argparse
import asyncio
import gc
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from nginx_operator import __version__, logs, settings
from nginx_operator.api.policy import Policy, PolicyError
from nginx_operator.commands import lint
from nginx_operator.policy_file import PolicyFile

_RUN_DESCRIPTION: Final = """\
Reconciles every Nginx (proxy.example.com/v1alpha1): one Deployment, one Service, one status.

In a pod it uses the pod's ServiceAccount, elsewhere KUBECONFIG or ~/.kube/config. What is missing at start (the
API server, the CustomResourceDefinition, a permission) is logged by name and waited for.
"""
_RUN_EPILOG: Final = """\
examples:
  nginx-operator run
  KUBECONFIG=~/.kube/config nginx-operator run --namespace web --no-leader-election
  nginx-operator run --metrics-bind :8080 --log-format json --policy-file policy.yaml

environment:
  KUBECONFIG      kubeconfig to use; comes before a pod's ServiceAccount
  POD_NAME        our name in the Lease (default: host name and process id)
  POD_IPS         our addresses: nginx pods listen on these IP families (default: both)
  POD_NAMESPACE   namespace of the Lease and of the admission probe

exit codes: 0 after SIGTERM or SIGINT; 1 where waiting cannot help (no kubeconfig, a malformed policy, the Lease was
lost); 2 for a mistake on the command line
"""
_LINT_DESCRIPTION: Final = """\
Checks manifests by the rules of the admission webhooks, offline. Documents of other kinds are passed over.
Prints one line a fault, FILE:LINE: PATH: MESSAGE, and warnings marked as such.
"""
_LINT_EPILOG: Final = """\
examples:
  nginx-operator lint examples/*.yaml
  kubectl get nginx web -o yaml | nginx-operator lint -
  nginx-operator lint --policy-file policy.yaml --namespace-class gold manifests/

exit codes: 0 if nothing would be refused, 1 otherwise, 2 for a mistake on the command line
"""

_CHECK_DESCRIPTION: Final = """\
Checks an installed release: a dry-run create is defaulted, an invalid one refused by the webhook, and each pod tells
its metrics. `helm test` runs this in the cluster. Prints one line for each of them.
"""
_CHECK_EPILOG: Final = """\
examples:
  helm test nginx-operator -n nginx-operator-system
  KUBECONFIG=~/.kube/config nginx-operator check --namespace nginx-operator-system

exit codes: 0 if all is well, 1 otherwise, 2 for a mistake on the command line
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `nginx-operator`. Always ends by SystemExit."""
    parsed = _parser().parse_args(arguments)
    try:
        match parsed.command:
            case "run":
                sys.exit(_run(settings.from_arguments(parsed)))
            case "lint":
                sys.exit(_lint(parsed))
            case "check":
                sys.exit(_check(parsed))
            case _:
                print(__version__)
                sys.exit(0)
    except PolicyError as error:
        sys.exit(f"nginx-operator: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nginx-operator", description="A Kubernetes operator for nginx.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = partial(commands.add_parser, formatter_class=argparse.RawDescriptionHelpFormatter)
    settings.add_arguments(
        command("run", help="reconcile until stopped", description=_RUN_DESCRIPTION, epilog=_RUN_EPILOG)
    )
    _add_lint_arguments(
        command("lint", help="check manifests offline", description=_LINT_DESCRIPTION, epilog=_LINT_EPILOG)
    )
    _add_check_arguments(
        command("check", help="check an installed release", description=_CHECK_DESCRIPTION, epilog=_CHECK_EPILOG)
    )
    commands.add_parser("version", help="print the version")
    return parser


def _add_lint_arguments(parser: argparse.ArgumentParser) -> None:
    files = "YAML or JSON, or a folder with such in or below it; - reads standard input"
    parser.add_argument("files", nargs="+", metavar="FILE", help=files)
    parser.add_argument("--policy-file", type=Path, metavar="FILE", help="the cluster's policy (default: the chart's)")
    parser.add_argument(
        "--namespace-class",
        metavar="NAME",
        default="",
        help="the policy's class of the namespaces that it does not list by name (default: none)",
    )

    parser.add_argument(
        "--release",
        default="",
        metavar="NS/NAME",
        help="the Helm release that a message names as the policy's, as its webhooks do with watchNamespaces (default: "
        "the cluster)",
    )


def _lint(parsed: argparse.Namespace) -> int:
    """Checks files. Returns the exit code; a class that the policy does not have is a mistake on the command line."""
    policies = PolicyFile(parsed.policy_file, Policy(release=parsed.release)).current
    if parsed.policy_file is None:
        policies = replace(policies, cluster=replace(policies.cluster, name="the chart's default policy"))
    given, known = parsed.namespace_class, policies.class_names
    if given and given not in known:
        policy = f"the policy in {parsed.policy_file}" if parsed.policy_file else "the chart's policy"
        classes = f"its classes are {', '.join(known)}" if known else "it has no classes"
        print(f"nginx-operator: --namespace-class: {policy} has no class {given}; {classes}", file=sys.stderr)
        return 2
    return lint.main(parsed.files, policies, parsed.namespace_class)


def _add_check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--namespace", metavar="NS", help="of the release (default: our own)")
    parser.add_argument(
        "--no-admission", action="store_false", dest="admission", help="the webhooks do not judge that namespace"
    )
    parser.add_argument(
        "--pods", default="", metavar="SELECTOR", help="labels of the pods whose metrics are read (default: none)"
    )
    parser.add_argument(
        "--network-policies", action="store_true", help="the release has NetworkPolicies, which may keep us from them"
    )


def _check(parsed: argparse.Namespace) -> int:
    """Checks a release. Returns the exit code."""
    # Imported here: `lint` and `version` need no client.
    from nginx_operator.commands import check
    from nginx_operator.kube.client_config import ClientConfigError

    try:
        return check.main(check.Options(parsed.namespace, parsed.admission, parsed.pods, parsed.network_policies))
    except ClientConfigError as error:
        print(f"nginx-operator: {error}", file=sys.stderr)
        return 1


def _run(options: settings.Settings) -> int:
    """Runs until stopped. Returns the exit code."""
    # Imported here: `lint` and `version` start ten times faster without.
    import uvloop

    from nginx_operator import process

    logs.configure(options.log_format, options.log_level)
    if options.log_level != "debug":
        logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # it logs two lines for each event
    # The API server takes JSON that is 10,000 deep, in managedFields of anybody's object, and msgspec counts frames.
    sys.setrecursionlimit(12_000)
    # Modules stay, and the caches hold no cycles: frequent collections would walk all of it and find nothing.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(process.run(options))


if __name__ == "__main__":
    main()
