"""Writes every figure that README and the pages on performance quote from the committed results.

A page has blocks between `<!-- bench: NAME -->` and `<!-- end -->`; what stands in them is made by the function of that
name from the files in bench/results/, and a test compares. So a figure without a result cannot stay on a page.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bench.pages import admission, converge, cycles
from bench.records import RESULTS
from bench.trial import ROOT

Block = Callable[[Path], str]

#: Page -> block -> what writes it, from the folder of the results.
PAGES: Final[Mapping[str, Mapping[str, Block]]] = {
    "README.md": {"cost": converge.cost},
    "docs/performance.md": {
        "in short": converge.in_short,
        "goals at 1,000": converge.goals,
        "goals at 10,000": converge.goals_of_many,
        "memory": cycles.memory,
        "services": converge.services,
        "tables": converge.tables,
    },
    "docs/admission-performance.md": {
        "in short": admission.in_short,
        "goals": admission.goals,
        "siege": admission.siege,
        "tables": admission.all_tables,
    },
}
_BLOCK: Final = re.compile(
    r"(?P<start>^(?P<indent> *)<!-- bench: (?P<name>[^>]+?) -->\n)(?P<body>.*?)(?P<end>^ *<!-- end -->$)",
    re.DOTALL | re.MULTILINE,
)


def written(page: str, text: str, results: Path = RESULTS) -> str:
    """What a page's text should be.

    Raises:
        KeyError: it has a block that nothing writes.
    """
    blocks = PAGES[page]

    def block(found: re.Match[str]) -> str:
        body = blocks[found["name"]](results)
        lines = "".join(f"{found['indent']}{line}".rstrip() + "\n" for line in body.splitlines())
        return f"{found['start']}{lines}{found['end']}"

    return _BLOCK.sub(block, text)


def names(text: str) -> list[str]:
    """The blocks of a page's text, in its order."""
    return [found["name"] for found in _BLOCK.finditer(text)]


def outside(text: str) -> str:
    """A page's text without its blocks."""
    return _BLOCK.sub("", text)


def write_all() -> None:
    """Write the blocks of all pages."""
    for page in PAGES:
        path = ROOT / page
        path.write_text(written(page, path.read_text(encoding="utf-8")), encoding="utf-8")
