"""Reviews of every bent kind, straight to what answers them: 100,000, and 1,000,000 in a campaign."""

import os
import random
import socket
import subprocess
import tempfile
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nginx_operator.api.policy import Policies, Policy
from nginx_operator.serving.application import Application, RequestHead
from nginx_webhooks.metrics import Metrics
from nginx_webhooks.server import AdmissionServer
from tests.support.campaign import TURNS
from tests.support.fuzz import oracle
from tests.support.fuzz.mutation import CORPUS, bent_bytes, bodies
from tests.support.fuzz.watch import Watch

CASES = 100_000 * TURNS
POLICY = Policy(min_count=1)
PATHS = ("/validate", "/mutate")
WATCH = Watch()


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    """What the server asks for an answer, and nothing that it does meanwhile goes unseen."""
    server = AdmissionServer(policies=lambda: Policies(POLICY), metrics=Metrics(), context=None)
    WATCH.seen.clear()
    yield server.application
    assert WATCH.seen == []


def judged(application: Application, path: str, body: bytes) -> tuple[int, bytes]:
    """The answer, after the oracle has looked at it."""
    with WATCH:
        response = application.respond(RequestHead("POST", path, "", len(body)), body)
    oracle.check(path, body, response.status, response.body, POLICY)
    return response.status, response.body


def shown(path: str, body: bytes) -> str:
    return f"{path} {body[:3000]!r}"


async def test_bent_reviews(application: Application) -> None:
    seed = int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))
    source, outcomes = bodies(seed), Counter[str]()
    for number in range(CASES):
        path, body = PATHS[number % 4 == 3], source()
        try:
            status, answer = judged(application, path, body)
            if number % 50 == 0:
                assert judged(application, path, body) == (status, answer), "the same review got two answers"
        except Exception as error:
            raise AssertionError(f"FUZZ_SEED={seed}, case {number}: {shown(path, body)}") from error
        outcomes["malformed" if status == 400 else "allowed" if b'"allowed":true' in answer else "denied"] += 1
    # A generator that makes nothing but rubbish would find nothing.
    assert min(outcomes[kind] for kind in ("malformed", "allowed", "denied")) > CASES / 20, outcomes


@pytest.mark.parametrize("path", PATHS)
async def test_the_corpus(application: Application, path: str) -> None:
    for body in CORPUS:
        judged(application, path, body)


@settings(
    deadline=None,
    max_examples=100 * TURNS,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.binary() | st.builds(bent_bytes, st.randoms(), st.sampled_from(CORPUS)), st.sampled_from(PATHS))
async def test_any_bytes(application: Application, body: bytes, path: str) -> None:
    judged(application, path, body)


def test_the_watch_sees_what_is_forbidden() -> None:
    """The test of the test: a process, a connection and a written file are all noticed."""
    with WATCH:
        subprocess.run(["true"], check=True)
        with socket.socket() as found, pytest.raises(OSError, match="refused"):
            found.connect(("127.0.0.1", 1))
        with tempfile.TemporaryFile():
            pass
    events = {line.split(" ")[0] for line in WATCH.seen}
    assert {"subprocess.Popen", "socket.connect", "open"} <= events
    WATCH.seen.clear()
