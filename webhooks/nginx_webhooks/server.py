"""The HTTPS server that the API server calls: POST /mutate and POST /validate, and nothing else.

`/mutate/gold` and `/validate/gold` are the same for namespaces of the class `gold`: a review does not contain their
labels, but the API server selects the path by them.
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
from nginx_operator.serving.application import Application, RequestHead, Response, failure
from nginx_operator.serving.http_server import HttpServer
from nginx_operator.serving.limits import Limits, Timeouts
from nginx_webhooks import admission, review
from nginx_webhooks.metrics import Metrics

log = logging.getLogger(__name__)

#: Bytes of a body. An object has at most 3 MiB, and the review of an update contains two of them and some more. A
#: review that a human caused has less than 64 KiB; only a few larger ones are read at a time, so that clients which
#: send them slowly cost little memory and delay no small one.
LIMITS: Final = Limits(body=7 * 1024 * 1024)

_WEBHOOKS: Final = {"mutate": admission.mutate, "validate": admission.validate}
_PATH: Final = re.compile(rf"/(?P<webhook>{'|'.join(_WEBHOOKS)})(?:/(?P<class>[-a-z0-9]{{1,63}}))?")
_PATHS: Final = " and ".join(f"/{name}" for name in _WEBHOOKS)
_NO_SUCH_PATH: Final = Response(404, f"no such path; the webhooks are {_PATHS}\n".encode())
_NO_POST: Final = Response(405, b"an AdmissionReview comes by POST\n", headers="Allow: POST\r\n")

#: Seconds that a drain lasts at most, and seconds without a request that end it earlier.
DRAIN_LIMIT: Final = 15.0
DRAIN_QUIET: Final = 2.0


class AdmissionServer:
    """Responds to admission reviews until it is drained.

    Args:
        policies: returns those in force.
        metrics: counts the responses.
        context: TLS settings; the certificate in them may be replaced at any time. None means plain HTTP.
        timeouts: of the stages of a connection.
        limits: of connections and bodies.

    Attributes:
        application: refuses other paths and methods, and decides on reviews.
        http: serves it.
    """

    def __init__(
        self,
        *,
        policies: Callable[[], Policies],
        metrics: Metrics,
        context: ssl.SSLContext | None,
        timeouts: Timeouts | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self._policies = policies
        self._metrics = metrics
        self._context = context
        self._timeouts = timeouts or Timeouts()
        self.application = Application(refuse=_refuse, respond=self._respond)
        self.http = HttpServer(
            self.application,
            timeouts=self._timeouts,
            limits=limits,
            on_limit=lambda limit: metrics.limited.labels(limit).inc(),
        )
        metrics.connections.set_function(lambda: len(self.http))

    def start(self, listener: socket.socket) -> None:
        """Accepts connections from a listening socket."""
        self.http.listen(listener, self._context)

    async def drain(self, *, quiet: float = DRAIN_QUIET, limit: float = DRAIN_LIMIT) -> None:
        """Serves on, tells each client to open its next connection elsewhere, and stops when requests cease.

        The API server neither looks at readiness nor retries: it uses its connections to this process until a
        response says `Connection: close`.

        Args:
            quiet: seconds without a request after which it stops.
            limit: seconds after which it stops in any case.
        """
        loop = asyncio.get_running_loop()
        connections = self.http.connections
        connections.draining = True
        began = loop.time()
        end = began + limit
        while (now := loop.time()) < end:
            idle = 0.0 if connections.in_flight else now - max(began, connections.last_request)
            if idle >= quiet:
                break
            await asyncio.sleep(min(quiet - idle, end - now))
        await self.stop()

    async def stop(self) -> None:
        """Closes the listening socket, then each connection after its current request."""
        await self.http.stop(self._timeouts.request)

    def _respond(self, head: RequestHead, body: bytes) -> Response:
        found = _PATH.fullmatch(head.path)
        if found is None:
            return _NO_SUCH_PATH  # not reached: _refuse comes first
        webhook, class_name = found["webhook"], found["class"] or ""
        started = time.perf_counter()
        try:
            request = review.decode(body)
            decision = _WEBHOOKS[webhook](request, self._policies().for_namespace(request.namespace, class_name))
        except review.MalformedReviewError as error:
            self._metrics.admissions.labels(webhook, "malformed").inc()
            return failure(400, "BadRequest", str(error))
        encoded = decision.encode()
        self._metrics.seconds.labels(webhook).observe(time.perf_counter() - started)
        self._metrics.admissions.labels(webhook, decision.verdict).inc()
        if not decision.allowed:
            _log_refusal(decision)
        return Response(200, encoded, "application/json")


def _refuse(head: RequestHead) -> Response | None:
    if _PATH.fullmatch(head.path) is None:
        return _NO_SUCH_PATH
    return None if head.method == "POST" else _NO_POST


def _log_refusal(decision: review.AdmissionResponse) -> None:
    request = decision.request
    log.log(
        logging.DEBUG if request.is_probe else logging.INFO,
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
