"""The known name that a misspelt one may mean: pure."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

#: difflib's own measure of what is close enough.
CLOSE: Final = 0.6


def near_miss(name: str, known: Sequence[str], *, longest: int, cutoff: float = CLOSE) -> str | None:
    """The name among `known` that `name` is nearest to, whatever its case; None when none is near.

    Args:
        name: as it was written.
        known: the names that there are.
        longest: a longer name resembles none. A comparison takes time by its length.
        cutoff: from 0, everything is near, to 1, only the same is.
    """
    if len(name) > longest:
        return None
    for text in (name, name.lower()):
        if found := get_close_matches(text, known, n=1, cutoff=cutoff):
            return found[0]
    return None
