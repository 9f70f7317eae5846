"""Whether memory is steady: Nginx are created and deleted, thousands of times. `python -m bench.cycles --help`."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bench.contenders import CONTENDERS
from bench.load import Load
from bench.process import Process
from bench.records import RESULTS, cycles_name, write
from bench.report import machine
from bench.trial import ROOT, Size, prepare
from nginx_operator.kube.client import Client
from nginx_operator.kube.client_config import ClientConfig
from nginx_operator.kube.resources import DEPLOYMENTS, NGINXES, SERVICES
from testbed import Bed, BedError, Progress, missing_for

BED = "bench"
#: Nginx that live at the same time.
BATCH = 100


async def cycles(total: int, bed: Bed, folder: Path, progress: Progress) -> list[tuple[int, int]]:
    """The operator's resident memory, bytes, after so many Nginx have come and gone.

    They ask for no pod: what is to be seen is what the operator keeps, not how fast a cluster makes pods.
    """
    size = Size(BATCH)
    environ = prepare(bed, size, folder)
    process = Process(bed.command(CONTENDERS["ours"].command(progress)), environ, folder / "ours.log", ROOT)
    config = bed.administrator
    connection = ClientConfig(config.server, str(config.ca), token=lambda: config.token)
    found: list[tuple[int, int]] = []
    with process.running(), progress.step("cycles") as step:
        async with Client(connection, user_agent="bench") as client:
            load = Load(client)
            async with load.watching():
                for done in range(BATCH, total + 1, BATCH):
                    # Names of their own, or nothing would tell memory that is kept from memory that is used again.
                    keys = [(namespace, f"{name}-{done}") for namespace, name in size.keys]
                    await load.create(keys, 0)
                    for namespace in sorted({namespace for namespace, _ in keys}):
                        await client.request("DELETE", NGINXES.path(namespace))
                        await _gone(client, namespace)
                    found.append((done, process.rss()))
                    step.tell(f"{done} of {total} cycles, {found[-1][1] / 2**20:.1f} MiB")
                    if not process.alive:
                        raise RuntimeError(f"it ended; its log is {process.log}")
    return found


async def _gone(client: Client, namespace: str) -> None:
    """Waits until the garbage collector has taken the children."""
    for resource in (DEPLOYMENTS, SERVICES):
        while b'"metadata":{"name":"web-' in await client.list(resource, namespace, limit="1"):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.2)


def main() -> int:
    """Measures, prints and saves."""
    parser = argparse.ArgumentParser(prog="python -m bench.cycles", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="how many Nginx (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the result")
    options = parser.parse_args()
    if sentence := missing_for("control-plane"):
        sys.exit(sentence)
    progress, bed = Progress(sys.stderr), Bed(BED)
    try:
        bed.up(progress)
        with tempfile.TemporaryDirectory() as folder:
            found = asyncio.run(cycles(options.count, bed, Path(folder), progress))
    except BedError as error:
        sys.exit(str(error))
    finally:
        bed.down()
    about = {**machine(), "commands": [f"python -m bench.cycles --count {options.count}"]}
    rss = [{"cycles": done, "bytes": size} for done, size in found]
    write(options.out / cycles_name(options.count), {"about": about, "rss": rss})
    for done, size in found[:: max(1, len(found) // 10)]:
        print(f"{done:>7} cycles  {size / 2**20:6.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
