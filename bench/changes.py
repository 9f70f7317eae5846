"""What each change of a spec makes a cluster do: the requests of everybody. `python -m bench.changes --help`.

An operator's cost is also what it makes others do: a controller that copies an annotation, a conflict and another try.
So each kind of change of one field is made on Nginx that are at rest, and the audit log tells who asked for what until
the cluster is at rest again.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.audit import Audit, Requests
from bench.contenders import CONTENDERS
from bench.load import Key, Load
from bench.process import Process
from bench.records import RESULTS, changes_name, write
from bench.report import machine
from bench.trial import ACCOUNT, ROOT, Size, prepare
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from testbed import Bed, BedError, Progress, missing_for

BED: Final = "bench"
NODES: Final = 5
COUNT: Final = 3
#: Seconds without a request of anybody for an Nginx after which the cluster is at rest, and the most that is waited.
_QUIET: Final = 3.0
_PATIENCE: Final = 60.0
#: Who made the change: none of what it costs.
_BENCH: Final = "bench"
#: The contender, whichever it is.
OPERATOR: Final = "the operator"


@dataclass(frozen=True)
class Change:
    """A change of a spec.

    Attributes:
        title: in tables.
        spec: a merge patch of the spec that all Nginx have (`bench.load.spec`).
        pods: how many there are afterwards.
    """

    title: str
    spec: Mapping[str, Any]
    pods: int = COUNT


CHANGES: Final = (
    Change("count, 3 to 4", {"count": 4}, 4),
    Change("count, 3 to 2", {"count": 2}, 2),
    Change("image", {"image": "docker.io/nginxinc/nginx-unprivileged:1.31-alpine"}),
    Change("imagePullPolicy", {"imagePullPolicy": "Always"}),
    Change("imagePullSecrets", {"imagePullSecrets": [{"name": "registry"}]}),
    Change("resources", {"resources": {"requests": {"cpu": "10m"}}}),
    Change("containerPort", {"containerPort": 8081}),
    Change("probes.readiness", {"probes": {"readiness": {"failureThreshold": 3}}}),
    Change("deployment.labels", {"deployment": {"labels": {"team": "shop"}}}),
    Change("deployment.annotations", {"deployment": {"annotations": {"example.com/team": "shop"}}}),
    Change("service.labels", {"service": {"labels": {"team": "shop"}}}),
    Change("service.annotations", {"service": {"annotations": {"example.com/team": "shop"}}}),
    Change("service.port", {"service": {"port": 81}}),
    Change("service.type, to NodePort", {"service": {"type": "NodePort"}}),
    Change("service.enabled, to false", {"service": {"enabled": False}}),
    Change("paused", {"paused": True}),
)


async def measure(
    name: str, changes: Sequence[Change], times: int, bed: Bed, folder: Path, progress: Progress
) -> dict[str, Requests]:
    """By title of a change, the requests for one Nginx: medians of as many as are changed at the same time."""
    size = Size(1)
    keys = {
        change.title: [(f"change-{number}-{at}", "web") for at in range(times)] for number, change in enumerate(changes)
    }
    environ = prepare(bed, size, folder, [namespace for some in keys.values() for namespace, _ in some])
    process = Process(bed.command(CONTENDERS[name].command(progress)), environ, folder / f"{name}.log", ROOT)
    config = bed.administrator
    connection = ClientConfig(config.server, str(config.ca), token=lambda: config.token)
    found: dict[str, Requests] = {}
    with process.running(), progress.step(f"{CONTENDERS[name].title}: changes") as step:
        async with Client(connection, user_agent=_BENCH) as client:
            load = Load(client)
            async with load.watching():
                await load.create((key for some in keys.values() for key in some), COUNT)
                for number, change in enumerate(changes):
                    step.tell(f"{number} of {len(changes)}, {change.title}")
                    found[change.title] = await _one(change, keys[change.title], load, bed)
                    if not process.alive:
                        raise RuntimeError(f"it ended; its log is {process.log}")
    return found


async def _one(change: Change, keys: list[Key], load: Load, bed: Bed) -> Requests:
    """Makes one change of these Nginx, and waits for the end of all that follows."""
    namespaces = [namespace for namespace, _ in keys]
    await _at_rest(bed, namespaces)
    audit = Audit(bed.audit_log)
    await load.patch(keys, change.spec, change.pods)
    await _at_rest(bed, namespaces)
    each = [named(audit.everybody(namespace)) for namespace in namespaces]
    return medians(each)


async def _at_rest(bed: Bed, namespaces: Iterable[str]) -> None:
    """Waits until nobody asks for anything in these namespaces any more."""
    began = time.monotonic()
    while True:
        audit = Audit(bed.audit_log)
        await asyncio.sleep(_QUIET)
        if not any(audit.everybody(namespace) for namespace in namespaces):
            return
        if time.monotonic() - began > _PATIENCE:
            raise RuntimeError(f"the cluster does not come to rest: {[audit.everybody(n) for n in namespaces]}")


def named(requests: Requests) -> Requests:
    """The same, without the one that made the change, and with a name for the contender that each of them has."""
    kept: Requests = Counter()
    for (who, what), number in requests.items():
        if who != _BENCH:
            kept[OPERATOR if who == ACCOUNT else who, what] += number
    return kept


def medians(each: Sequence[Requests]) -> Requests:
    """Of each request, how often it was made for an Nginx. Whether two changes become one request is a matter of
    milliseconds, so what happened for a few of several Nginx only is no rule.
    """
    asked = sorted({key for found in each for key in found})
    kept = {key: int(statistics.median_low([found[key] for found in each])) for key in asked}
    return Counter({key: number for key, number in kept.items() if number})


def main() -> int:
    """Measures and saves."""
    parser = argparse.ArgumentParser(prog="python -m bench.changes", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="Nginx that each change is made of (default: %(default)s)")
    parser.add_argument("--first", type=int, default=len(CHANGES), help="only so many changes (default: all)")
    parser.add_argument("--contenders", default="ours,go", help="which, with commas (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the result")
    options = parser.parse_args()
    if sentence := missing_for("control-plane"):
        sys.exit(sentence)
    changes, found = CHANGES[: options.first], {}
    for name in options.contenders.split(","):
        found[name] = _trial(name, changes, options.times, Progress(sys.stderr))
    command = f"python -m bench.changes --times {options.times} --contenders {options.contenders}"
    if len(changes) < len(CHANGES):
        command += f" --first {options.first}"
    about = {**machine(), "commands": [command], "times": options.times}
    write(options.out / changes_name(), {"about": about, "requests": {name: _json(found[name]) for name in found}})
    return 0


def _trial(name: str, changes: Sequence[Change], times: int, progress: Progress) -> dict[str, Requests]:
    bed = Bed(BED, kwok_nodes=NODES)
    try:
        CONTENDERS[name].command(progress)
        bed.up(progress)
        with tempfile.TemporaryDirectory() as folder:
            return asyncio.run(measure(name, changes, times, bed, Path(folder), progress))
    except BedError as error:
        sys.exit(str(error))
    finally:
        bed.down()


def _json(found: Mapping[str, Requests]) -> dict[str, dict[str, dict[str, int]]]:
    """By change, by who asks, by what is asked for."""
    whole: dict[str, dict[str, dict[str, int]]] = {}
    for title, requests in found.items():
        whole[title] = {}
        for (who, what), number in sorted(requests.items()):
            whole[title].setdefault(who, {})[what] = number
    return whole


if __name__ == "__main__":
    sys.exit(main())
