"""What a request meets on its way to the store: refusals, torn connections, delays, or any function of a test."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.apiserver.request_info import RequestInfo
from tests.support.apiserver.status_errors import Object, forbidden


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was received.

    Attributes:
        verb: get, list, watch, create, update, patch or delete.
        body: decoded from JSON; None if there was none.
    """

    verb: str
    method: str
    path: str
    info: RequestInfo
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    def __str__(self) -> str:
        return f"{self.verb} {self.info.plural}{' force' if self.query.get('force') == 'true' else ''}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in place of the store's. A body other than bytes is sent as JSON; code 0 tears the connection."""

    code: int
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


#: Gives an answer, or None to let the request through.
Hook = Callable[[Request], Answer | Awaitable[Answer | None] | None]
Fault = Answer | Hook

TORN = Answer(0)


def refused(
    code: int,
    reason: str,
    message: str = "",
    *causes: str,
    retry_after: int = 0,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """A failure as a metav1.Status."""
    details = {"causes": [{"reason": cause} for cause in causes], "retryAfterSeconds": retry_after}
    body: Object = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return Answer(code, body | {"message": message or f"it is {reason}", "details": details}, headers or {})


class Hold:
    """Holds a request until it is released, then lets it through."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.released = asyncio.Event()

    async def __call__(self, _: Request) -> None:
        self.reached.set()
        await self.released.wait()


@dataclass(slots=True)
class _Rule:
    verb: str
    plural: str
    faults: deque[Fault]
    standing: bool = False


class Faults:
    """Rules for requests by verb and plural; "*" matches any. The first rule that matches applies."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def next(self, verb: str, plural: str, *faults: Fault) -> None:
        """The next matching requests meet these faults, one each, in order."""
        self._rules.append(_Rule(verb, plural, deque(faults)))

    @contextmanager
    def every(self, verb: str, plural: str, fault: Fault) -> Iterator[None]:
        """Every matching request meets this fault while the block runs."""
        rule = _Rule(verb, plural, deque([fault]), standing=True)
        self._rules.append(rule)
        try:
            yield
        finally:
            self._rules.remove(rule)

    def forbid(self, verb: str, plural: str) -> None:
        """Answers 403 from now on, as RBAC does without the permission."""
        refusal = forbidden(verb, plural)
        self._rules.append(_Rule(verb, plural, deque([Answer(refusal.code, refusal.body)]), standing=True))

    def allow(self, verb: str, plural: str) -> None:
        """Ends what `forbid` began."""
        self._rules = [rule for rule in self._rules if (rule.verb, rule.plural) != (verb, plural)]

    async def answer_to(self, request: Request) -> Answer | None:
        """The answer by the rules; None lets the request through."""
        for rule in self._rules:
            if rule.faults and rule.verb in ("*", request.verb) and rule.plural in ("*", request.info.plural):
                fault = rule.faults[0] if rule.standing else rule.faults.popleft()
                if isinstance(fault, Answer):
                    return fault
                answer = fault(request)
                return await answer if isinstance(answer, Awaitable) else answer
        return None
