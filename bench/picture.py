"""Results as a picture. Needs matplotlib (requirements/bench.txt), which nothing else does."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib import pyplot as plt

from bench.admission.outcome import TITLES
from bench.contenders import CONTENDERS
from bench.pages.converge import SIZES
from bench.records import ADMISSION, RESULTS, converge_name, drawn_from, read, read_results
from bench.report import ROWS, jobs, values
from bench.trial import Result

#: Nginx; beside the bars of more the others would be lines.
MOST: Final = 1000

mpl.use("Agg")
mpl.rcParams["svg.hashsalt"] = "nginx-operator"  # the same results make the same file


def draw_all() -> None:
    """Draw the pictures of the pages from the committed results."""
    names = [converge_name(nginxes, services=services) for nginxes, services in SIZES if nginxes <= MOST]
    results = [result for name in names for result in read_results(RESULTS / name)[0]]
    picture(results, RESULTS / "converge.svg", drawn_from(*names))
    admission(read(RESULTS / ADMISSION)["figures"], TITLES, RESULTS / "admission.svg", drawn_from(ADMISSION))


def picture(results: Sequence[Result], path: Path, source: str) -> None:
    """Bars of what matters most, one panel a figure, a group of bars a job."""
    shown = [row for row in ROWS if row[0] in ("converge", "converge cpu", "peak rss", "reaction p50")]
    asked = jobs(results)
    names = [name for name in CONTENDERS if any(result.contender == name for result in results)]
    figure, panels = plt.subplots(1, len(shown), figsize=(3.2 * len(shown), 3.2), layout="constrained")
    for panel, (key, title, factor, _) in zip(panels, shown, strict=True):
        for number, name in enumerate(names):
            heights = [statistics.median(values(results, name, job, key) or [0.0]) * factor for job in asked]
            at = [group + (number - (len(names) - 1) / 2) * 0.8 / len(names) for group in range(len(asked))]
            panel.bar(at, heights, 0.8 / len(names), label=CONTENDERS[name].title)
        panel.set_title(title, fontsize=9)
        panel.set_xticks(range(len(asked)), [job.replace(" without", "\nwithout") for job in asked], fontsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names), fontsize=8)
    figure.savefig(path, metadata={"Date": None, "Description": source})
    plt.close(figure)


def admission(
    figures: Mapping[str, Mapping[str, Sequence[float]]], titles: Mapping[str, str], path: Path, source: str
) -> None:
    """Bars of what admission costs, one panel a figure, a bar a contender."""
    shown = (
        ("create p50", "create, p50, ms", 1e3),
        ("create p99", "create, p99, ms", 1e3),
        ("validate 8 rate", "reviews/s of one core", 1.0),
        ("rss", "memory, MB", 1e-6),
    )
    figure, panels = plt.subplots(1, len(shown), figsize=(3.2 * len(shown), 3.2), layout="constrained")
    for panel, (key, title, factor) in zip(panels, shown, strict=True):
        for number, (name, label) in enumerate(titles.items()):
            height = statistics.median(figures.get(name, {}).get(key) or [0.0]) * factor
            panel.bar(number, height, 0.8, label=label)
        panel.set_title(title, fontsize=9)
        panel.set_xticks([])
        panel.spines[["top", "right"]].set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(titles), fontsize=8)
    figure.savefig(path, metadata={"Date": None, "Description": source})
    plt.close(figure)
