"""The HTTPS server that the API server calls: POST /mutate and POST /validate, and nothing else.

`/mutate/gold` and `/validate/gold` are the same for namespaces of the class `gold`: a review says nothing of their
labels, but the API server chooses the path by them.
"""

import asyncio
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final

from nginx_operator.api.policy import Policies
from nginx_operator.logs import FIELDS
from nginx_operator.serving.application import Application, Head, Response, failure
from nginx_operator.serving.connections import Connections
from nginx_operator.serving.limits import Deadlines, Limits
from nginx_webhooks import admission, review
from nginx_webhooks.metrics import Metrics

log = logging.getLogger(__name__)

#: Bytes of a body. An object has at most 3 MiB, and a review of an update holds two of them and some more. A review
#: that a human caused has less than the usual 64 KiB; larger ones are read few at a time, so that clients that hold
#: them back cost neither memory nor the time of usual ones.
LIMITS: Final = Limits(body=7 * 1024 * 1024)

_WEBHOOKS: Final = {"mutate": admission.mutate, "validate": admission.validate}
_PATH: Final = re.compile(rf"/(?P<webhook>{'|'.join(_WEBHOOKS)})(?:/(?P<class>[-a-z0-9]{{1,63}}))?")
_PATHS: Final = " and ".join(f"/{name}" for name in _WEBHOOKS)
_NO_SUCH_PATH: Final = Response(404, f"no such path; the webhooks are {_PATHS}\n".encode())
_NO_POST: Final = Response(405, b"an AdmissionReview comes by POST\n", headers="Allow: POST\r\n")

#: Seconds: the end of a drain, reached or not; and the silence that ends it earlier.
DRAIN_LIMIT: Final = 15.0
DRAIN_QUIET: Final = 2.0


class AdmissionServer:
    """Answers reviews until it is drained.

    Args:
        policies: gives those in force.
        metrics: counts the answers.
        context: TLS settings; the certificate in them may be exchanged at any time. None means plain HTTP.
    """

    def __init__(
        self,
        *,
        policies: Callable[[], Policies],
        metrics: Metrics,
        context: ssl.SSLContext | None,
        deadlines: Deadlines | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self._policies = policies
        self._metrics = metrics
        self._context = context
        self._deadlines = deadlines or Deadlines()
        self.connections = Connections(
            Application(refuse=_refuse, answer=self._answer),
            deadlines=self._deadlines,
            limits=limits,
            limited=lambda why: metrics.limited.labels(why).inc(),
        )
        metrics.connections.set_function(lambda: len(self.connections))

    def start(self, listener: socket.socket) -> None:
        """Takes connections from a listening socket."""
        self.connections.listen(listener, self._context)

    async def drain(self, *, quiet: float = DRAIN_QUIET, limit: float = DRAIN_LIMIT) -> None:
        """Serves on, asks each client to open its next connection elsewhere, and stops when none comes any more.

        The API server neither looks at readiness nor retries: it uses its connections to this process until it is
        told `Connection: close` in an answer.

        Args:
            quiet: seconds without a request that mean idle.
            limit: seconds after which it stops in any case.
        """
        loop = asyncio.get_running_loop()
        self.connections.draining = True
        began = loop.time()
        end = began + limit
        while (now := loop.time()) < end:
            idle = 0.0 if self.connections.in_flight else now - max(began, self.connections.last_used)
            if idle >= quiet:
                break
            await asyncio.sleep(min(quiet - idle, end - now))
        await self.stop()

    async def stop(self) -> None:
        """Closes the listener, then the connections, each after the request that is under way in it."""
        await self.connections.stop(self._deadlines.request)

    def _answer(self, head: Head, body: bytes) -> Response:
        """The answer to a whole review."""
        found = _PATH.fullmatch(head.path)
        if found is None:
            return _NO_SUCH_PATH  # never asked: it is refused by its head
        webhook, class_name = found["webhook"], found["class"] or ""
        started = time.perf_counter()
        try:
            asked = review.decode(body)
            decision = _WEBHOOKS[webhook](asked, self._policies().for_namespace(asked.namespace, class_name))
        except review.MalformedReviewError as error:
            self._metrics.admissions.labels(webhook, "malformed").inc()
            return failure(400, "BadRequest", str(error))
        encoded = decision.encode()
        self._metrics.seconds.labels(webhook).observe(time.perf_counter() - started)
        self._metrics.admissions.labels(webhook, decision.verdict).inc()
        if not decision.allowed:
            _log_refusal(decision)
        return Response(200, encoded, "application/json")


def _refuse(head: Head) -> Response | None:
    if _PATH.fullmatch(head.path) is None:
        return _NO_SUCH_PATH
    return None if head.method == "POST" else _NO_POST


def _log_refusal(decision: review.AdmissionResponse) -> None:
    request = decision.request
    log.info(
        "refused %s %s/%s by %s: %s",
        request.kind.kind,
        request.namespace,
        request.display_name,
        request.user,
        decision.message,
        extra={
            FIELDS: {
                "namespace": request.namespace,
                "name": request.display_name,
                "user": request.user,
                "kind": request.kind.kind,
                "faults": [error.field for error in decision.errors],
            }
        },
    )
