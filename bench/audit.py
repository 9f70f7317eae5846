"""What a contender asks of the API server, from the audit log."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

#: Who asks for what, for instance ("deployment-controller", "update replicasets"), and how often.
Requests = Counter[tuple[str, str]]

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass
class Audit:
    """The requests that an API server on this machine has received since this object was made.

    It logs a request only after the answer, so the line of an earlier one may still be to come: it is told by the time.
    """

    log: Path

    def __post_init__(self) -> None:
        self._from = self.log.stat().st_size
        self._since = datetime.now(UTC)

    def requests(self) -> Iterator[dict[str, Any]]:
        """Requests that were answered, as audit events (audit.k8s.io/v1, Event)."""
        with self.log.open("rb") as lines:
            lines.seek(self._from)
            for line in lines:
                if b'"stage":"ResponseComplete"' not in line or not line.endswith(b"\n"):
                    continue
                request = json.loads(line)
                if datetime.fromisoformat(request["requestReceivedTimestamp"]) >= self._since:
                    yield request

    def writes(self, user: str, *, not_of: str = "") -> Counter[str]:
        """Writes by verb and resource, for instance {"patch nginxes/status": 3}.

        Args:
            user: whose.
            not_of: a name; writes of objects that bear it do not count.
        """
        found: Counter[str] = Counter()
        for request in self.requests():
            if request["user"]["username"] == user and request["verb"] in WRITES:
                target = request["objectRef"]
                if not_of and target.get("name", "").startswith(not_of):
                    continue
                found[_what(request)] += 1
        return found

    def everybody(self, namespace: str) -> Requests:
        """All requests for what is in a namespace, except watches."""
        found: Requests = Counter()
        for request in self.requests():
            if request.get("objectRef", {}).get("namespace") == namespace and request["verb"] != "watch":
                code = request["responseStatus"]["code"]
                answer = f", answered {code}" if code >= HTTPStatus.BAD_REQUEST else ""
                found[_who(request), f"{_what(request)}{answer}"] += 1
        return found

    def reactions(self, user: str) -> list[float]:
        """Seconds from each write of a spec by somebody to the user's next write of the Deployment of that name.

        Both are the moments at which the API server received the request.
        """
        asked: dict[tuple[str, str], datetime] = {}
        found: list[float] = []
        received = sorted(self.requests(), key=lambda request: str(request["requestReceivedTimestamp"]))
        for request in received:
            target = request.get("objectRef", {})
            if request["verb"] not in WRITES or "name" not in target:
                continue
            key = (target.get("namespace", ""), target["name"])
            at = datetime.fromisoformat(request["requestReceivedTimestamp"])
            by_user = request["user"]["username"] == user
            if not by_user and target["resource"] == "nginxes" and "subresource" not in target:
                asked[key] = at
            elif by_user and target["resource"] == "deployments" and key in asked:
                found.append((at - asked.pop(key)).total_seconds())
        return found


def _what(request: Mapping[str, Any]) -> str:
    """Verb and resource of a request."""
    target = request["objectRef"]
    parts = (target["resource"], target.get("subresource"))
    return f"{request['verb']} {'/'.join(part for part in parts if part)}"


def _who(request: Mapping[str, Any]) -> str:
    """Who sent a request: the name of a ServiceAccount, as each controller of Kubernetes has, or else the program."""
    user: str = request["user"]["username"]
    if user.startswith("system:serviceaccount:"):
        return user.rpartition(":")[2]
    return str(request.get("userAgent", "")).partition("/")[0]
