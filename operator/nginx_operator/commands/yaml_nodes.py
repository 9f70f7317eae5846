"""YAML as a graph of nodes, before it is made into values: fields by path, their lines, duplicate keys, cycles."""

from collections.abc import Iterator, Sequence

import yaml


def line(node: yaml.Node) -> int:
    """The line on which a node begins, from 1."""
    return int(node.start_mark.line) + 1


def line_of(root: yaml.Node, path: Sequence[str | int]) -> int:
    """The line of a field path, or of its deepest part that the document has."""
    node, found = root, line(root)
    for part in path:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == part), None)
            if pair is None:
                break
            found, node = line(pair[0]), pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            found = line(node)
        else:
            break
    return found


def line_in_text(root: yaml.Node, path: Sequence[str | int], number: int) -> int:
    """The line of the file on which line `number` of a text stands; that of its field where the text is folded."""
    node: yaml.Node | None = root
    for part in path:
        node = field(node, str(part)) if node is not None else None
    if isinstance(node, yaml.ScalarNode) and node.style == "|":
        return line(node) + number  # the first line comes after the indicator
    return line_of(root, path)


def field(node: yaml.Node, key: str) -> yaml.Node | None:
    """The value of a key of a mapping; None if there is none."""
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def keys(node: yaml.Node) -> list[str]:
    """The keys of a mapping; none of what is no mapping."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [str(name.value) for name, _ in pairs if isinstance(name, yaml.ScalarNode)]


def scalar(node: yaml.Node, key: str) -> str | None:
    """The text of a key of a mapping; None if there is none, or it is a mapping or a list."""
    found = field(node, key)
    return str(found.value) if isinstance(found, yaml.ScalarNode) else None


def find_cycle(root: yaml.Node) -> yaml.Node | None:
    """A node that contains itself, by an alias; None if there is none."""
    return _find_cycle(root, frozenset(), set())


def _find_cycle(node: yaml.Node, ancestors: frozenset[int], visited: set[int]) -> yaml.Node | None:
    """`visited` are nodes without a cycle below them: each is walked once, however many aliases it has."""
    if id(node) in ancestors:
        return node
    if id(node) in visited:
        return None
    for child in _children(node):
        if (found := _find_cycle(child, ancestors | {id(node)}, visited)) is not None:
            return found
    visited.add(id(node))
    return None


def duplicate_keys(root: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Each key that its mapping has already. The graph must be free of cycles."""
    yield from _duplicate_keys(root, set())


def _duplicate_keys(node: yaml.Node, visited: set[int]) -> Iterator[yaml.ScalarNode]:
    if id(node) in visited:
        return
    visited.add(id(node))
    if isinstance(node, yaml.MappingNode):
        known: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in known:
                    yield key
                known.add(key.value)
    for child in _children(node):
        yield from _duplicate_keys(child, visited)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [value for _, value in node.value]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
