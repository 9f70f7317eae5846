"""What docs/performance.md says of memory over many Nginx that come and go."""

from pathlib import Path

from bench.pages.words import number, paragraph
from bench.records import cycles_name, read

COUNT = 10_000


def memory(results: Path) -> str:
    """From the first hundred to the last."""
    found = read(results / cycles_name(COUNT))
    rss = found["rss"]
    first, last = rss[0], rss[-1]
    grown = (last["bytes"] - first["bytes"]) / (last["cycles"] - first["cycles"])
    command, about = found["about"]["commands"][-1], found["about"]
    return paragraph(
        f"Memory over {number(COUNT)} Nginx that come and go, {first['cycles']} at a time (`{command}`, "
        f"{about['date']}, at "
        f"commit {about['commit']}, [JSON](../bench/results/{cycles_name(COUNT)})): {first['bytes'] / 2**20:.1f} "
        "MiB after the "
        f"first {first['cycles']}, {last['bytes'] / 2**20:.1f} MiB after the last; {grown:.0f} bytes for each."
    )
