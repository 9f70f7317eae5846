"""How figures are worded on pages."""

import statistics
import textwrap
from collections.abc import Iterable, Sequence

#: Characters of a line of prose.
WIDTH = 128


def median(values: Sequence[float]) -> float:
    """The median.

    Raises:
        ValueError: there are none, so the page has nothing to quote.
    """
    if not values:
        raise ValueError("a page quotes a figure that no result holds")
    return statistics.median(values)


def number(value: float, digits: int = 0) -> str:
    """A number with commas: 1,000."""
    return f"{value:,.{digits}f}"


def spread(values: Sequence[float], digits: int) -> str:
    """The median, and in brackets the least and the most, if there are several and they differ."""
    middle, low, high = (number(value, digits) for value in (median(values), min(values), max(values)))
    return middle if len(values) == 1 or low == high else f"{middle} ({low} to {high})"


def items(sentences: Iterable[str]) -> str:
    """A list, a sentence or two an item."""
    return "\n".join(
        textwrap.fill(f"- {text}", WIDTH, subsequent_indent="  ", break_on_hyphens=False) for text in sentences
    )


def paragraph(text: str) -> str:
    """A paragraph."""
    return textwrap.fill(text, WIDTH, break_on_hyphens=False)


def goals(rows: Iterable[tuple[str, str, bool]]) -> str:
    """A table of goals: what was aimed at, what was measured, whether it is met."""
    lines = [f"| {goal} | {measured} | {'met' if met else 'missed'} |" for goal, measured, met in rows]
    return "\n".join(["| goal | measured | |", "|---|---|---|", *lines])
