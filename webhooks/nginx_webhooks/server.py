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
from contextlib import nullcontext
from typing import Final

from aiohttp import web

from nginx_operator.api.policy import Policies
from nginx_operator.logs import FIELDS
from nginx_operator.serving.connections import Connection, Connections, Deadlines
from nginx_operator.serving.listening import listen_on
from nginx_webhooks import admission, review
from nginx_webhooks.metrics import Metrics

log = logging.getLogger(__name__)

#: Bytes of a body. An object has at most 3 MiB, and a review of an update holds two of them and some more.
BODY_LIMIT: Final = 7 * 1024 * 1024
#: Bytes of the body of any review that a human caused; larger ones, or of a length not told, are read few at a time,
#: so that clients that hold them back cost neither memory nor the time of usual ones.
USUAL_BODY: Final = 64 * 1024
LARGE_AT_ONCE: Final = 4

_WEBHOOKS: Final = {"mutate": admission.mutate, "validate": admission.validate}
_PATH: Final = re.compile(rf"/(?P<webhook>{'|'.join(_WEBHOOKS)})(?:/(?P<class>[-a-z0-9]{{1,63}}))?")

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
    ) -> None:
        self._policies = policies
        self._metrics = metrics
        self._context = context
        self._deadlines = deadlines or Deadlines()
        self._connections = Connections(self._handle, self._deadlines)
        self._listener: asyncio.Server | None = None
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._draining = False
        self._in_flight = 0
        self._last_used = 0.0

    async def start(self, listener: socket.socket) -> None:
        """Takes connections from a listening socket."""
        self._listener = await listen_on(listener, self._connections, self._context, self._deadlines.handshake)

    async def drain(self, *, quiet: float = DRAIN_QUIET, limit: float = DRAIN_LIMIT) -> None:
        """Serves on, asks each client to open its next connection elsewhere, and stops when none comes any more.

        The API server neither looks at readiness nor retries: it uses its connections to this process until it is
        told `Connection: close` in an answer.

        Args:
            quiet: seconds without a request that mean idle.
            limit: seconds after which it stops in any case.
        """
        loop = asyncio.get_running_loop()
        self._draining = True
        self._last_used = loop.time()
        end = self._last_used + limit
        while (now := loop.time()) < end:
            idle = 0.0 if self._in_flight else now - self._last_used
            if idle >= quiet:
                break
            await asyncio.sleep(min(quiet - idle, end - now))
        await self.stop()

    async def stop(self) -> None:
        """Closes the listener, then the connections, each after the request that is under way in it."""
        if self._listener is not None:
            self._listener.close()
        self._connections.pre_shutdown()
        await self._connections.shutdown(timeout=self._deadlines.request)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers one request of any kind."""
        if isinstance(request.protocol, Connection):
            request.protocol.header_complete()
        self._in_flight += 1
        try:
            response = await self._answer(request)
        except ConnectionError:  # the client went away within its body: nobody reads this
            response = web.Response(status=400)
        finally:
            self._in_flight -= 1
            self._last_used = asyncio.get_running_loop().time()
        if self._draining:
            response.force_close()
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        found = _PATH.fullmatch(request.path)
        if found is None:
            return _plain(404, f"no such path; the webhooks are {' and '.join(f'/{name}' for name in _WEBHOOKS)}")
        if request.method != "POST":
            return _plain(405, "an AdmissionReview comes by POST", Allow="POST")
        length = request.content_length
        async with nullcontext() if length is not None and length <= USUAL_BODY else self._large:
            return await self._review(request, found["webhook"], found["class"] or "")

    async def _review(self, request: web.BaseRequest, webhook: str, class_name: str) -> web.Response:
        started = time.perf_counter()
        body = await _body(request)
        if body is None:
            self._metrics.admissions.labels(webhook, "malformed").inc()
            response = _plain(413, f"a review has at most {BODY_LIMIT} bytes")
            response.force_close()
            return response
        try:
            asked = review.decode(body)
            decision = _WEBHOOKS[webhook](asked, self._policies().of(asked.namespace, class_name))
        except review.MalformedReviewError as error:
            self._metrics.admissions.labels(webhook, "malformed").inc()
            return _plain(400, str(error))
        self._metrics.seconds.labels(webhook).observe(time.perf_counter() - started)
        self._metrics.admissions.labels(webhook, decision.verdict).inc()
        if not decision.allowed:
            _log_refusal(decision)
        return web.Response(body=decision.encode(), content_type="application/json")


async def _body(request: web.BaseRequest) -> bytes | None:
    """The whole body; None as soon as it is found to be too long."""
    if (request.content_length or 0) > BODY_LIMIT:
        return None
    chunks, size = [], 0
    while chunk := await request.content.readany():
        size += len(chunk)
        if size > BODY_LIMIT:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _plain(status: int, text: str, **headers: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=headers)


def _log_refusal(decision: review.Decision) -> None:
    request = decision.request
    log.info(
        "refused %s %s/%s by %s: %s",
        request.kind.kind,
        request.namespace,
        request.shown_name,
        request.user,
        decision.sentence,
        extra={
            FIELDS: {
                "namespace": request.namespace,
                "name": request.shown_name,
                "user": request.user,
                "kind": request.kind.kind,
                "faults": [fault.path for fault in decision.faults],
            }
        },
    )
