"""Which files an include may name. Nothing is opened: the path is judged as a text."""

from __future__ import annotations

import posixpath

from nginx_operator.api.nginx_conf.rules import Rules

_WILDCARDS = frozenset("*?[")


def outside(path: str, rules: Rules) -> str | None:
    """Return a sentence about an include that may lead out of the allowed folders; None when it cannot.

    A wildcard behind a leading dot is refused, since glob(3) lets `.?` and `.[.]` match "..".
    """
    for part in path.split("/"):
        if part.startswith(".") and _WILDCARDS & set(part):
            return f'include "{path[:200]}" has a wildcard behind a leading dot; name the files'
    full = posixpath.normpath(posixpath.join(rules.configuration_folder, path))
    full = "/" + full.lstrip("/")
    for tree in rules.include_trees:
        if full.startswith(f"{tree.rstrip('/')}/"):
            return None
    return f'include "{path[:200]}" is outside {" and ".join(rules.include_trees)}'
