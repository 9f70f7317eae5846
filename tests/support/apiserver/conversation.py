"""An API server that answers as a test says: real HTTP on loopback."""

import json
from typing import Any

from aiohttp import web

from tests.support.loopback import Loopback

Object = dict[str, Any]
Answer = tuple[int, Object]


class Conversation(Loopback):
    """Each request gets the next answer that was prepared for its method and plural. Use as an async context manager.

    Attributes:
        answers: (method, plural) -> answers in order; without one a GET finds nothing, and a write is echoed.
        headers: of every answer.
        heard: "METHOD plural", and "force" for an apply by force.
        queries: of the requests.
        bodies: of the writes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[tuple[str, str], list[Answer]] = {}
        self.headers: dict[str, str] = {}
        self.heard: list[str] = []
        self.queries: list[dict[str, str]] = []
        self.bodies: list[Object] = []

    def answer(self, method: str, plural: str, *answers: Answer) -> None:
        """Prepares answers, after those that are prepared already."""
        self.answers.setdefault((method, plural), []).extend(answers)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        parts = request.path.split("/")
        plural = parts[5] if parts[1] == "api" and len(parts) > 5 else parts[6] if len(parts) > 6 else parts[-1]
        self.heard.append(f"{request.method} {plural}{' force' if request.query.get('force') == 'true' else ''}")
        self.queries.append(dict(request.query))
        body = json.loads(await request.read() or b"{}")
        if request.method != "GET":
            self.bodies.append(body)
        prepared = self.answers.get((request.method, plural))
        if prepared:
            status, answer = prepared.pop(0)
        elif request.method == "GET":
            status, answer = failure(404, "NotFound")
        else:
            status, answer = 200, stored(body)
        return web.json_response(answer, status=status, headers=self.headers)


def stored(body: Object, **meta: Any) -> Object:
    """What the API server makes of a body."""
    return {**body, "metadata": {**body.get("metadata", {}), "uid": "child", "resourceVersion": "7", **meta}}


def failure(code: int, reason: str, *causes: str, retry_after: int = 0) -> Answer:
    """A metav1.Status."""
    details = {"causes": [{"reason": cause} for cause in causes], "retryAfterSeconds": retry_after}
    return code, {"kind": "Status", "code": code, "reason": reason, "message": f"it is {reason}", "details": details}
