"""Whether admission works, tried as a user would: through the API server, its TLS to the webhooks, their response.

A dry run stores nothing. Readiness of the operator waits for this at the start, so `helm install --wait` returns only
when `kubectl apply` is admitted and an invalid Nginx is refused. Later on the leader tries once in a minute, and tells
by log and metric; readiness does not follow (docs/decisions/0010).
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Final

import msgspec

from nginx_operator.api import names
from nginx_operator.api.policy import MAX_INT32
from nginx_operator.api.truncation import truncated
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import NGINXES
from nginx_operator.logs import LogOnChange

log = logging.getLogger(__name__)

#: Rounds that must succeed in a row: several webhook replicas answer by turns.
_ROUNDS: Final = 3
_DELAY: Final = 1.0
#: Seconds between two tries once it has worked.
PERIOD: Final = 60.0
#: How the API server tells that a webhook refused, and which entry of which configuration it was.
_DENIED: Final = re.compile(r'admission webhook "([^"]+)" denied the request')
#: How it tells that somebody else answered the call: a certificate without the name of our Service (Go's crypto/x509).
_NOT_OURS: Final = re.compile(
    r"x509: certificate is (?:valid for (?P<names>.+?), not|not valid for any names, but wanted to match)"
    r"|x509: certificate relies on legacy Common Name field"
)
#: Characters of these names that are repeated.
_MOST_NAMES: Final = 200


async def wait_for_admission(client: Client, namespace: str) -> None:
    """Returns once admission works; until then logs what is wrong, each new fault once."""
    faults, passed = LogOnChange(log), 0
    while passed < _ROUNDS:
        try:
            found = await fault(client, namespace)
        except ApiError as error:
            found = error.message
        if found is None:
            passed += 1
            continue
        passed = 0
        faults.log(logging.INFO, f"not ready, admission does not work yet: {found}")
        await asyncio.sleep(_DELAY)
    log.info("admission works: a dry-run create was defaulted, an invalid one was refused")


async def watch_admission(client: Client, namespace: str, leads: Callable[[], bool]) -> AsyncIterator[bool | None]:
    """Whether admission works, tried once in PERIOD for ever; each new fault is logged.

    Yields:
        None while another process leads, which tries, or the API server cannot be asked.
    """
    states = LogOnChange(log)
    states.log(logging.DEBUG, "admission works")
    while True:
        works = None
        if leads():
            with suppress(ApiError):
                found = await fault(client, namespace)
                works = found is None
                if found is None:
                    states.log(logging.INFO, "admission works")
                else:
                    states.log(logging.ERROR, f"admission does not work any more: {found}")
        yield works
        await asyncio.sleep(PERIOD)


async def fault(client: Client, namespace: str) -> str | None:
    """Why admission does not work at this moment, or None.

    Raises:
        ApiError: the API server does not answer.
    """
    try:
        stored = msgspec.json.decode(await client.create(NGINXES, namespace, _nginx({}), dry_run=True))
    except ApiError as error:
        if error.unreachable:
            raise
        return explain(error)
    if "count" not in stored["spec"]:
        return "the mutating webhook was not asked: spec.count got no default"
    try:
        # No policy allows as many, and the schema does: only the validating webhook refuses it.
        await client.create(NGINXES, namespace, _nginx({"count": MAX_INT32}), dry_run=True)
    except ApiError as error:
        denied = _DENIED.match(error.message)
        if error.unreachable:
            raise
        # Any entry of ours: the release's own namespace may be of a class.
        return None if denied and names.is_webhook(denied[1]) else explain(error)
    return "the validating webhook was not asked: an invalid spec.count was accepted"


def explain(error: ApiError) -> str:
    """What the API server says; and what to do where it serves no Nginx, or a kubelet answered for the webhooks."""
    if error.not_served:
        return (
            f"the API server serves no {names.API_VERSION} {names.PLURAL}: CustomResourceDefinition {names.CRD} is not "
            "installed; helm upgrade with the same values installs it"
        )
    message = error.message
    found = _NOT_OURS.search(message)
    if found is None:
        return message
    whose = f" for {truncated(found['names'], _MOST_NAMES)}" if found["names"] else ""
    return (
        f"something else answers at the webhooks' port, with a certificate{whose}. Where pods have the address of "
        "their node (EKS Fargate, webhooks.hostNetwork), 10250 is the kubelet's: set webhooks.port to another port, "
        f"for instance 10260 (docs/private-control-planes.md). The API server says: {message}"
    )


def _nginx(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"generateName": names.ADMISSION_PROBE},
        "spec": spec,
    }
