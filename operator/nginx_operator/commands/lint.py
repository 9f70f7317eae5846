"""`nginx-operator lint`: the webhooks' rules on files, with the line of each fault."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from nginx_operator.api import defaults, names, validation
from nginx_operator.api.kubectl_yaml import UNREADABLE, Loader
from nginx_operator.api.policy import Policies


class Finding(NamedTuple):
    """One line of output."""

    file: str
    line: int
    text: str
    refused: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {'' if self.refused else 'warning: '}{self.text}"


def main(files: Sequence[str], policies: Policies, class_name: str = "") -> int:
    """Prints the findings of all files. Returns the exit code: 1 if anything would be refused, or cannot be read.

    `class_name` is the class of the namespaces that have no policy of their own.
    """
    refused = False
    for file in _expanded(files):
        if Path(file).is_dir():
            print(f"{file}:1: there is no YAML or JSON in it or below")
            refused = True
            continue
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            print(f"{file}:1: cannot be read: {error}")
            refused = True
            continue
        for finding in check_text(file, text, policies, class_name):
            print(finding)
            refused |= finding.refused
    return 1 if refused else 0


def _expanded(files: Sequence[str]) -> Iterator[str]:
    """The files, and those that `kubectl apply --recursive -f` would take of folders; a folder without any itself."""
    for file in files:
        if Path(file).is_dir():
            found = sorted(str(path) for path in Path(file).rglob("*") if path.suffix in (".yaml", ".yml", ".json"))
            yield from found or [file]
        else:
            yield file


def check_text(file: str, text: str, policies: Policies, class_name: str = "") -> Iterator[Finding]:
    """Findings of all documents of one file. Documents of other kinds are passed over."""
    try:
        documents = list(yaml.compose_all(text, Loader=Loader))
    except RecursionError:
        yield Finding(file, 1, "not readable: nested too deeply", True)
        return
    except yaml.YAMLError as error:
        yield _unreadable(file, error, 1, "not YAML")
        return
    for root in documents:
        if root is None:
            continue
        for node in _items(root):
            yield from _check_document(file, node, policies, class_name)


def _unreadable(file: str, error: Exception, line: int, what: str) -> Finding:
    mark = getattr(error, "problem_mark", None)
    return Finding(file, mark.line + 1 if mark else line, f"{what}: {getattr(error, 'problem', None) or error}", True)


def _items(root: yaml.Node) -> Iterator[yaml.Node]:
    """The document itself, or the items of a List, as `kubectl get -o yaml` prints it."""
    if _scalar(root, "kind") in ("List", f"{names.KIND}List") and (items := _child(root, "items")) is not None:
        if isinstance(items, yaml.SequenceNode):
            yield from items.value
    else:
        yield root


def _check_document(file: str, root: yaml.Node, policies: Policies, class_name: str) -> Iterator[Finding]:
    version = _scalar(root, "apiVersion") or ""
    if version.partition("/")[0] != names.GROUP:
        return
    if (kind := _scalar(root, "kind")) != names.KIND:
        yield Finding(file, _line_of(root, ("kind",)), f"kind: {kind or 'nothing'}; must be {names.KIND}", True)
        return
    if (node := _recursive(root, set(), set())) is not None:
        yield Finding(file, _line(node), "an alias refers to what contains it; JSON has no such thing", True)
        return
    for key in _duplicates(root, set()):
        yield Finding(file, _line(key), f"{key.value}: stands twice in the same mapping; the last one would win", True)
    if version != names.API_VERSION:
        yield Finding(file, _line_of(root, ("apiVersion",)), f"apiVersion: must be {names.API_VERSION}", True)
        return
    try:
        document: Any = Loader("").construct_document(root)
    except UNREADABLE as error:
        yield _unreadable(file, error, _line(root), "not readable")
        return
    yield from _judge(file, root, document, policies, class_name)


def _judge(file: str, root: yaml.Node, document: Any, policies: Policies, class_name: str) -> Iterator[Finding]:
    """Findings of the webhooks' rules in a document; `root` tells their lines."""
    spec, meta = document.get("spec"), document.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    if not (meta.get("name") or meta.get("generateName")):
        yield Finding(file, _line_of(root, ("metadata",)), "metadata.name: is required", True)
    if spec is not None and not isinstance(spec, dict):
        yield Finding(file, _line_of(root, ("spec",)), "spec: must be a mapping", True)
        return
    for field in _NAMES:
        if not isinstance(meta.get(field), str | None):
            yield Finding(file, _line_of(root, ("metadata", field)), f"metadata.{field}: must be a string", True)
            return
    policy = policies.for_namespace(meta.get("namespace") or "", class_name)
    result = validation.validate(_name(meta), defaults.with_defaults(spec or {}, policy), policy, strict=True)
    for error in result.errors:
        yield Finding(file, _line_of(root, error.path), str(error), True)
    for warning in result.warnings:
        parts = tuple(warning.split(" ", 1)[0].split("."))
        yield Finding(file, _line_of(root, parts), warning, False)


#: Fields of metadata that are read here. An alias of an alias of lists in one of them would be gigabytes as text.
_NAMES: Final = ("name", "generateName", "namespace")
#: The API server makes a name of this many characters of a generateName, and five of its own.
_GENERATED_FROM: Final = 58


def _name(meta: dict[Any, Any]) -> str:
    """The name, or one as the API server makes it of generateName; empty if there is neither."""
    beginning = (meta.get("generateName") or "")[:_GENERATED_FROM]
    return meta.get("name") or (beginning and f"{beginning}xxxxx")


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [value for _, value in node.value]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _recursive(node: yaml.Node, above: set[int], cleared: set[int]) -> yaml.Node | None:
    """A node that contains itself, by an alias. `cleared` are those that do not, so that each is looked at once."""
    if id(node) in above:
        return node
    if id(node) in cleared:
        return None
    inner = above | {id(node)}
    for child in _children(node):
        if (found := _recursive(child, inner, cleared)) is not None:
            return found
    cleared.add(id(node))
    return None


def _duplicates(node: yaml.Node, visited: set[int]) -> Iterator[yaml.ScalarNode]:
    """Keys that stand twice in one mapping."""
    if id(node) in visited:
        return  # an alias of what was looked at already
    visited.add(id(node))
    if isinstance(node, yaml.MappingNode):
        known: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in known:
                    yield key
                known.add(key.value)
    for child in _children(node):
        yield from _duplicates(child, visited)


def _line_of(root: yaml.Node, parts: Sequence[str | int]) -> int:
    """Line of the deepest part of a path that stands in the document."""
    node, line = root, _line(root)
    for part in parts:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == part), None)
            if pair is None:
                break
            line, node = _line(pair[0]), pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = _line(node)
        else:
            break
    return line


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _child(node: yaml.Node, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _scalar(node: yaml.Node, key: str) -> str | None:
    child = _child(node, key)
    return str(child.value) if isinstance(child, yaml.ScalarNode) else None
