"""Texts that are too long, shortened from the middle: an image's tag and the cause of an error stand at the end."""

from typing import Final

_GAP: Final = "..."


def truncated(text: str, length: int) -> str:
    """The text in at most `length` characters: more of its beginning than of its end."""
    if len(text) <= length:
        return text
    kept = length - len(_GAP)
    end = kept // 4
    return f"{text[: kept - end]}{_GAP}{text[len(text) - end :]}"
