"""Plays the script against an API server, and makes its answers comparable with those of another."""

import asyncio
import json
import re
from typing import Any

from nginx_operator.kube.client import METADATA, Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.errors import ApiError
from nginx_operator.kube.resources import MUTATING_CONFIGURATIONS, SECRETS
from tests.support.apiserver.conformance import applies, kinds, secrets
from tests.support.apiserver.conformance.steps import CONTINUE, UID, VERSION, Object, Step

SCRIPT = [
    *secrets.VERBS,
    *applies.SECRETS_APPLIED,
    *applies.LISTS,
    *applies.CHILDREN,
    *kinds.CUSTOM,
    *kinds.CLUSTER_SCOPED,
    *kinds.RECORDS,
    *secrets.WATCHES,
]

_VOLATILE = ("creationTimestamp", "time", "remainingItemCount")
_UID_OF = re.compile(r"\{uid of ([a-z-]+)\}")
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z")
_NUMBERS = re.compile(r"\b\d{3,}\b")


class Player:
    """Plays steps against one API server, and notes what came of each.

    Args:
        config: where it is.
        namespace: an empty one, of the same name on both servers.
    """

    def __init__(self, config: ClientConfig, namespace: str) -> None:
        self._config = config
        self._namespace = namespace
        self._seen: dict[str, Object] = {}
        self._uids: dict[str, int] = {}
        self._versions: dict[str, int] = {}
        self._code = 0

    async def play(self) -> list[tuple[Step, Any]]:
        """The outcome of each step of the script by the step."""
        found = []
        async with Client(self._config, user_agent="player/1.0", answered=self._answered) as client:
            for step in SCRIPT:
                outcome = await (self._watch if step.events else self._ask)(client, step)
                found.append((step, outcome))
        return found

    def _answered(self, _method: str, _plural: str, code: int) -> None:
        self._code = code

    async def _ask(self, client: Client, step: Step) -> Any:
        namespace = None if step.resource == MUTATING_CONFIGURATIONS else self._namespace
        path = step.resource.path(namespace, step.name or None)
        target = f"{path}/{step.subresource}" if step.subresource else path
        if step.method == "POST":
            target = step.resource.path(namespace)
        body, params = self._filled(step.body, path), self._filled(step.params, path)
        try:
            raw = await client.request(
                step.method, target, body, params=params, content_type=step.content_type, accept=step.accept
            )
        except ApiError as error:
            return error.code, error.reason, sorted(error.causes), self._masked_text(error.message)
        answer = json.loads(raw)
        if "dryRun" not in params:
            self._seen[path] = answer.get("metadata", {})
        return self._code, self._masked(answer)

    async def _watch(self, client: Client, step: Step) -> Any:
        params = self._filled(step.params, step.resource.path(self._namespace))
        found = []
        async with asyncio.timeout(30):
            metadata_only = step.accept == METADATA
            async for line in client.watch(step.resource, self._namespace, params, metadata_only=metadata_only):
                event = json.loads(line)
                if event["type"] != "BOOKMARK":
                    found.append((event["type"], self._masked(event["object"])))
                if len(found) == step.events:
                    break
        return found

    def _filled(self, value: Any, path: str) -> Any:
        seen = self._seen.get(path, {})
        text = json.dumps(value).replace("{namespace}", self._namespace)
        for stands, key in ((UID, "uid"), (VERSION, "resourceVersion"), (CONTINUE, "continue")):
            text = text.replace(stands, seen.get(key, ""))
        text = _UID_OF.sub(lambda found: self._seen[SECRETS.path(self._namespace, found[1])]["uid"], text)
        return json.loads(text)

    def _masked(self, value: Any) -> Any:
        """Without nulls, which mean nothing, and with numbers of appearance in place of uids and versions."""
        if isinstance(value, list):
            return [self._masked(one) for one in value]
        if not isinstance(value, dict):
            return self._masked_text(value) if isinstance(value, str) else value
        found = {key: one for key, one in value.items() if one is not None and key not in _VOLATILE}
        if "items" in found:
            # A list's version is that of the whole store, to which others write too. It must not take a number.
            found["metadata"] = sorted(found["metadata"].keys() - set(_VOLATILE))
        found = {self._masked_text(key): self._masked(one) for key, one in found.items()}
        if isinstance(value.get("resourceVersion"), str):
            found["resourceVersion"] = self._versions.setdefault(value["resourceVersion"], len(self._versions))
        if "managedFields" in found:
            found["managedFields"].sort(key=lambda one: (one["manager"], one["operation"], one.get("subresource", "")))
        return found

    def _masked_text(self, text: str) -> str:
        text = _UID.sub(lambda found: f"uid-{self._uids.setdefault(found[0], len(self._uids))}", text)
        return _NUMBERS.sub("#", _TIME.sub("TIME", text))
