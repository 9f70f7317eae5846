"""One program on loopback without an API server: how soon it answers, how many reviews it takes, what a siege does."""

import asyncio
import itertools
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import uvloop

from bench.admission.clients import Kept, Tally, Target, ask_once, flood
from bench.admission.programs import ROOT, first_answer, on_loopback
from bench.admission.reviews import nginx, post, review
from bench.process import Process
from bench.trial import quantile

#: Kept connections that ask without a pause: what one API server opens, and what several under load open.
FEW, MANY = 8, 64
#: Honest requests a second within a siege: over kept connections, and over a new one each.
KEPT_RATE: Final = 50
NEW_RATE: Final = 10


def direct(name: str, folder: Path, environ: Mapping[str, str], *, seconds: float, besiegers: int) -> dict[str, float]:
    """All figures of one program, by name: seconds, bytes, numbers.

    Args:
        name: ours or kopf.
        folder: for its certificate and its log.
        environ: its environment.
        seconds: how long each load lasts.
        besiegers: slow connections of the siege.
    """
    figures: dict[str, float] = {}
    began = time.monotonic()
    with on_loopback(name, folder, environ) as (process, target):
        uvloop.run(_measure(process, target, figures, began, seconds, besiegers))
    return figures


async def _measure(
    process: Process, target: Target, figures: dict[str, float], began: float, seconds: float, besiegers: int
) -> None:
    await first_answer(process, target)
    figures["start"] = time.monotonic() - began
    figures["idle rss"] = process.rss()
    for path, connections in itertools.product(("/validate", "/mutate"), (FEW, MANY)):
        await _flooded(process, target, figures, path, connections, seconds)
    figures["rss"] = process.rss()
    tally = await siege(target, besiegers, seconds, process.log.parent)
    figures["siege rss"] = process.peak_rss()
    figures["siege p50"], figures["siege p99"] = quantile(tally.seconds, 0.5), quantile(tally.seconds, 0.99)
    figures["siege asked"] = len(tally.seconds)
    figures["siege failed"] = len(tally.seconds) - tally.statuses.get(200, 0)


async def _flooded(
    process: Process, target: Target, figures: dict[str, float], path: str, connections: int, seconds: float
) -> None:
    request = post(path, review(nginx("web")))
    cpu = process.cpu_seconds()
    tally, took = await flood(target, request, connections, seconds)
    answered = tally.statuses.get(200, 0)
    what = f"{path[1:]} {connections}"
    figures[f"{what} rate"] = answered / took
    figures[f"{what} cpu"] = (process.cpu_seconds() - cpu) / max(answered, 1)
    figures[f"{what} p50"], figures[f"{what} p99"] = quantile(tally.seconds, 0.5), quantile(tally.seconds, 0.99)
    figures[f"{what} failed"] = len(tally.seconds) - answered


async def siege(target: Target, besiegers: int, seconds: float, folder: Path) -> Tally:
    """Honest requests beside slow connections of every kind. What the honest ones were answered."""
    request, tally = post("/validate", review(nginx("web"))), Tally()
    words = (sys.executable, "-m", "bench.admission.besiegers", target.host, str(target.port), str(target.ca))
    process = Process((*words, str(besiegers)), os.environ, folder / "besiegers.log", ROOT)
    with process.running():
        while not process.log.read_bytes():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as honest:
            honest.create_task(_at_a_rate(target, request, tally, seconds))
            _, paced = await asyncio.get_running_loop().create_connection(
                lambda: Paced(request, tally, lambda: time.monotonic() < end),
                target.host,
                target.port,
                ssl=target.trust,
                server_hostname=target.name,
            )
            await paced.end()  # a connection that outlives its event loop breaks it
    return tally


class Paced(Kept):
    """One kept connection that asks at a rate."""

    def _ask(self) -> None:
        self._began = 0.0
        asyncio.get_running_loop().call_later(1 / KEPT_RATE, super()._ask)


async def _at_a_rate(target: Target, request: bytes, tally: Tally, seconds: float) -> None:
    async with asyncio.TaskGroup() as asked:
        for _ in range(int(NEW_RATE * seconds)):
            asked.create_task(ask_once(target, request, tally))
            await asyncio.sleep(1 / NEW_RATE)
