"""What has to be there before anything is watched: the API server, the CRD, the permission to list."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from nginx_operator.api import names
from nginx_operator.kube.backoff import Backoff
from nginx_operator.kube.client import Client
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import NGINXES
from nginx_operator.logs import LogOnChange

log = logging.getLogger(__name__)

_FIRST_DELAY: Final = 1.0
_LONGEST_DELAY: Final = 30.0
#: What gives a namespace back to an operator with --namespace: Helm writes the Role again.
_HINT: Final = "if it was deleted and created again, helm upgrade gives the operator its Role back"


async def preflight(client: Client, namespaces: tuple[str, ...]) -> None:
    """Waits until nginxes can be listed. What is missing is logged by name, once each time it changes.

    Of several namespaces one will do: where another may not be read, it went, and its Role with it.
    """
    backoff, faults = Backoff(_FIRST_DELAY, _LONGEST_DELAY), LogOnChange(log)
    while True:
        try:
            await _list_any(client, namespaces or (None,))
        except ApiError as error:
            faults.log(logging.ERROR, f"{_explain(error)}; trying again until it works")
            await asyncio.sleep(backoff.step(error.retry_after))
        else:
            log.info("API server %s, CustomResourceDefinition %s: found", client.config.server, names.CRD)
            return


async def _list_any(client: Client, namespaces: Sequence[str | None]) -> None:
    """Lists nginxes in each namespace.

    Raises:
        ApiError: it fails in any for another reason than a missing permission, or in all.
    """
    refused: dict[str | None, ApiError] = {}
    for namespace in namespaces:
        try:
            await client.list(NGINXES, namespace, limit="1")
        except ApiError as error:
            if error.code != 403:
                raise
            refused[namespace] = error
    if len(refused) == len(namespaces):
        raise refused[namespaces[0]]
    for namespace, refusal in refused.items():
        log.warning("namespace %s is left out until it can be read; %s: %s", namespace, _HINT, refusal.message)


def _explain(error: ApiError) -> str:
    match error.code:
        case 404:
            return f"CustomResourceDefinition {names.CRD} is not installed (crds.enabled=false in the chart's values?)"
        case 403:
            return f"missing permission: {error.explained}"
        case _:
            return error.explained
