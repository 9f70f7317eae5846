"""What a contender asks of the API server, from the audit log."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
                parts = (target["resource"], target.get("subresource"))
                found[f"{request['verb']} {'/'.join(part for part in parts if part)}"] += 1
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
