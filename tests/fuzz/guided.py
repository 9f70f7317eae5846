"""Coverage-guided fuzzing with atheris: `make fuzz`. libFuzzer's options follow the folders on the command line."""

import asyncio
import sys

import atheris

with atheris.instrument_imports(include=["nginx_operator.api", "nginx_webhooks.admission", "nginx_webhooks.review"]):
    from nginx_operator.api.policy import Policies, Policy
    from nginx_operator.serving.application import RequestHead
    from nginx_webhooks.metrics import Metrics
    from nginx_webhooks.server import AdmissionServer

from tests.support.fuzz import oracle

POLICY = Policy(min_count=1)


async def serve() -> AdmissionServer:
    """A server without a socket."""
    return AdmissionServer(policies=lambda: Policies(POLICY), metrics=Metrics(), context=None)


SERVER = asyncio.run(serve())


def one(body: bytes) -> None:
    """One body to both webhooks."""
    for path in ("/validate", "/mutate"):
        response = SERVER.application.respond(RequestHead("POST", path, "", len(body)), body)
        oracle.check(path, body, response.status, response.body, POLICY)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
