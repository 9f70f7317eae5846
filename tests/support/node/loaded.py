"""A disturbance of a release while users write: 50 requests a second before, meanwhile and after."""

import asyncio
import time

from testbed.waiting import PATIENCE
from tests.support.campaign import CAMPAIGN
from tests.support.load.client import Load, connected
from tests.support.load.judge import Tally, Verdict
from tests.support.namespaces import fresh
from tests.support.node.disturbances import Disturbance
from tests.support.node.figures import Run
from tests.support.node.release import Release

#: Requests answered right before it begins, and after it is over.
BEFORE, AFTER = 100, 200
#: Requests that may fail because their connection closed: in HTTP/1.1 a request races with the close of an idle
#: connection (RFC 9112, 9.5), for long on a machine that stands still. A campaign, on a quiet one, allows none.
TORN = 0 if CAMPAIGN else 2
_TORN_WORDS = ("broken pipe", "connection reset by peer", "use of closed network connection", "EOF")


async def under_load(release: Release, disturbance: Disturbance, at_once: int = 100_000) -> Run:
    """The outcome of the requests sent meanwhile, at most `at_once` of them in flight."""
    with fresh(release.bed) as namespace:
        disturbance.prepare(release)
        async with connected(release.bed.administrator) as client:
            load = Load(client, namespace.name, at_once=at_once)
            async with load.running(), asyncio.timeout(4 * PATIENCE):
                await load.answered(BEFORE)
                began = time.monotonic()
                await asyncio.to_thread(disturbance.act, release)
                ended = time.monotonic()
                await load.answered(AFTER)
            return Run(began, ended, await load.tally())


def lost(tally: Tally) -> int:
    """Number of admissions that failed, apart from at most TORN whose connection closed."""
    failed = tally.having(Verdict.FAILED)
    torn = [outcome for outcome in failed if any(words in outcome.text for words in _TORN_WORDS)]
    return len(failed) - min(len(torn), TORN)
