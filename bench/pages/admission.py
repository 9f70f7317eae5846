"""What docs/admission-performance.md says."""

from collections.abc import Sequence
from pathlib import Path

from bench.admission.direct import NEW_RATE
from bench.admission.outcome import tables
from bench.pages.words import goals as goal_table
from bench.pages.words import items, median, number, paragraph, spread
from bench.records import ADMISSION, read
from bench.report import origin


class Found:
    """The committed results."""

    def __init__(self, results: Path) -> None:
        whole = read(results / ADMISSION)
        self.about, self.figures = whole["about"], whole["figures"]

    def all(self, figure: str, factor: float = 1.0, way: str = "ours") -> list[float]:
        """A figure of all rounds."""
        return [value * factor for value in self.figures[way][figure]]

    def of(self, figure: str, digits: int, factor: float = 1.0, way: str = "ours") -> str:
        """Its median, as text."""
        return number(median(self.all(figure, factor, way)), digits)


def in_short(results: Path) -> str:
    """The page's first list."""
    found = Found(results)
    added = [found.of(f"added create {part}", 1, 1e3, way) for way in ("ours", "kopf") for part in ("p50", "p99")]
    rate = round(median(found.all("validate 8 rate")), -2)
    return items(
        [
            f"One process on one core answers {number(rate)} validations a second, with the whole schema, all rules "
            "and the "
            f"policy; a validation costs {found.of('validate 8 cpu', 2, 1e3)} ms of CPU time, HTTP and TLS included.",
            f"It takes {found.of('rss', 0, 1e-6)} MB after that load, and is ready after {found.of('start', 1)} s "
            "with a "
            f"certificate from files and after {found.of('managed start', 1)} s with its own.",
            f"Defaulting and validation together add {added[0]} ms to a create at the median and {added[1]} ms at "
            "the 99th "
            f"percentile; the same checks behind kopf's admission server add {added[2]} and {added[3]} ms.",
            f"Beside {number(found.about['besiegers'])} slow connections 99 of 100 honest requests took "
            f"{found.of('siege p99', 0, 1e3)} ms or less, those {NEW_RATE} a second included that made a TLS "
            "handshake of "
            "their own.",
        ]
    )


def goals(results: Path) -> str:
    """Goals."""
    found = Found(results)
    rates = found.all("validate 8 rate") + found.all("validate 64 rate")
    memory, file, own = found.all("rss", 1e-6), found.all("start"), found.all("managed start")
    middle, late = found.all("added create p50", 1e3), found.all("added create p99", 1e3)
    dry, honest = found.all("added dry run p99", 1e3), found.all("siege p99", 1e3)
    asked, failed = sum(found.all("siege asked")), sum(found.all("siege failed"))
    return goal_table(
        [
            (
                "reviews a second on one core, at least 4,000",
                f"{found.of('validate 8 rate', 0)} at the median over 8 connections, {number(min(rates))} at the least",
                min(rates) >= 4000,
            ),
            ("memory, at most 60 MB", f"{spread(memory, 0)} MB", median(memory) <= 60),
            (
                "start to ready, at most 2 s",
                f"{spread(file, 1)} s with files, {spread(own, 1)} s with a certificate of its own",
                max(file + own) <= 2,
            ),
            ("added to a create, p50, at most 2 ms", f"{spread(middle, 1)} ms", median(middle) <= 2),
            (
                "added to a create, p99, at most 8 ms",
                f"{spread(late, 1)} ms with the write into etcd, {_signed(dry)} ms as a dry run",
                median(late) <= 8,
            ),
            (
                f"honest p99 beside {number(found.about['besiegers'])} slow connections, at most 100 ms",
                f"{spread(honest, 0)} ms; {number(failed)} of {number(asked)} not answered",
                median(honest) <= 100,
            ),
        ]
    )


def _signed(values: Sequence[float]) -> str:
    """A spread whose least may be less than nothing, which is noise."""
    return spread([max(value, 0.0) for value in values], 1)


def siege(results: Path) -> str:
    """Memory of a siege."""
    found = Found(results)
    return paragraph(
        f"{number(found.about['besiegers'])} slow connections of all kinds brought the process to "
        f"{found.of('siege rss', 0, 1e-6)} MB, kopf's admission server to {found.of('siege rss', 0, 1e-6, 'kopf')} MB."
    )


def all_tables(results: Path) -> str:
    """All figures."""
    found = Found(results)
    return f"{origin(found.about)}\n{tables(found.figures, '###')}"
