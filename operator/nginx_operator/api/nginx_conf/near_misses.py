"""The directive that a misspelt name may mean."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 64
_CUTOFF = 0.85


def near_miss(name: str, known: Iterable[str]) -> str | None:
    """Return the name among `known` that `name` is nearest to; None when none is near."""
    if len(name) > _LONGEST:
        return None
    near = [other for other in known if abs(len(other) - len(name)) <= 3]
    found = get_close_matches(name.lower(), near, n=1, cutoff=_CUTOFF)
    return found[0] if found else None
