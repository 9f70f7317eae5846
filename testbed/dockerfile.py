"""Reads base images and copied files from a Dockerfile."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

IGNORED_FOLDERS = ("__pycache__",)
IGNORED_SUFFIXES = (".pyc",)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield (instruction in capitals, the rest) for each; comments out, continued lines joined."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word:
            yield word.upper(), rest.strip()


def bases(text: str) -> list[str]:
    """Return the images that the stages start from, other than earlier stages, in order."""
    found: list[str] = []
    stages: set[str] = set()
    for word, rest in instructions(text):
        if word != "FROM":
            continue
        words = [part for part in rest.split() if not part.startswith("--")]
        if words[0] not in stages and words[0] not in found:
            found.append(words[0])
        if len(words) == 3:
            stages.add(words[2])
    return found


def copied(text: str) -> list[str]:
    """Return what the Dockerfile copies from its context, as written there."""
    found: list[str] = []
    for word, rest in instructions(text):
        if word in ("ADD", "COPY"):
            words = shlex.split(rest)
            if not any(part.startswith("--from=") for part in words):
                found += [part for part in words if not part.startswith("--")][:-1]
    return found


def sources(context: Path, text: str) -> list[Path]:
    """Return the files of the context that the Dockerfile's result depends on, itself included."""
    found = {context / "Dockerfile"}
    if (context / ".dockerignore").exists():
        found.add(context / ".dockerignore")
    for pattern in copied(text):
        for path in context.glob(pattern.strip("/")):
            found.update(path.rglob("*") if path.is_dir() else [path])
    return sorted(path for path in found if path.is_file() and not _ignored(path))


def _ignored(path: Path) -> bool:
    return path.suffix in IGNORED_SUFFIXES or any(part in IGNORED_FOLDERS for part in path.parts)
