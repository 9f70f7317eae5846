"""The difference between two renderings, object by object, in a form that is pleasant to review.

A hunk is headed by the path of its first change instead of line numbers, so that a change in one place of the default
rendering does not move the hunks behind it.
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import yaml

#: Unchanged lines shown before and after each change.
CONTEXT = 2


def between(before: str, after: str) -> str:
    """The objects that differ: new ones in full, deleted ones by name alone, the others by their changes."""
    old, new = _objects(before), _objects(after)
    lines: list[str] = []
    for name in dict.fromkeys([*new, *old]):
        if name not in new:
            lines += [f"diff {name}: deleted", ""]
        elif name not in old:
            lines += [f"diff {name}: new", *(f"+{line}" for line in new[name]), ""]
        elif new[name] != old[name]:
            lines += [f"diff {name}", *_hunks(old[name], new[name]), ""]
    return "\n".join(lines)


def _objects(rendered: str) -> dict[str, list[str]]:
    """The lines of each object, by its kind, namespace and name."""
    found = {}
    for document in rendered.split("---\n"):
        if loaded := yaml.load(document, Loader=yaml.CSafeLoader):
            metadata = loaded["metadata"]
            name = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
            found[f"{loaded['kind']} {name}"] = document.rstrip("\n").split("\n")
    return found


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for group in matcher.get_grouped_opcodes(CONTEXT):
        tag, at_old, _, at_new, _ = next(opcode for opcode in group if opcode[0] != "equal")
        yield f"@@ {_path(old, at_old) if tag == 'delete' else _path(new, at_new)} @@"
        for tag, start_old, end_old, start_new, end_new in group:
            if tag == "equal":
                yield from (f" {line}" for line in old[start_old:end_old])
            else:
                yield from (f"-{line}" for line in old[start_old:end_old])
                yield from (f"+{line}" for line in new[start_new:end_new])


def _path(lines: Sequence[str], number: int) -> str:
    """The keys and list items that a line of YAML in block style is in, outermost first; "." for the top level."""
    path: list[str] = []
    depth = _depth(lines[number])
    for line in reversed(lines[:number]):
        word = line.strip()
        if word and not word.startswith("#") and _depth(line) < depth:
            depth = _depth(line)
            path.insert(0, word if word.startswith("- ") else word.partition(":")[0])
    return " > ".join(path) or "."


def _depth(line: str) -> float:
    """The indentation; an item of a list is deeper than a key in the same column, which may be that of the list."""
    word = line.lstrip()
    return len(line) - len(word) + (0.5 if word.startswith("- ") else 0)
