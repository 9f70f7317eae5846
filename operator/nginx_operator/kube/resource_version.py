"""Which of two states of an object is the later one: pure."""


def is_newer(one: str, other: str) -> bool:
    """Whether a metadata.resourceVersion is of a later state than another of the same kind.

    They are ordered as numbers (KEP-5504). Of two that are none, which no conformant API server sends, any that differs
    counts as newer, so that a cache follows its watch.
    """
    if one.isdecimal() and other.isdecimal():
        return int(one) > int(other)
    return one != other


def newest(*versions: str) -> str:
    """The latest of several states of the same kind; "" stands for none."""
    found = ""
    for version in versions:
        if version and (not found or is_newer(version, found)):
            found = version
    return found
