"""`nginx-operator lint`: the webhooks' rules on files, with the line of each error."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from nginx_operator.api import defaults, names, schema, validation
from nginx_operator.api.kubectl_yaml import PARSE_ERRORS, Loader
from nginx_operator.api.policy import Policies
from nginx_operator.api.validation.field_errors import FieldError, quoted
from nginx_operator.api.validation.object_meta import validate_object
from nginx_operator.commands.yaml_nodes import (
    duplicate_keys,
    field,
    find_cycle,
    keys,
    line,
    line_in_text,
    line_of,
    scalar,
)


class Diagnostic(NamedTuple):
    """One line of output: what would be refused, or keeps the file from being read, or is only warned of."""

    file: str
    line: int
    message: str
    is_error: bool = True
    is_unread: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {'' if self.is_error else 'warning: '}{self.message}"


def main(files: Sequence[str], policies: Policies, class_name: str = "") -> int:
    """Prints the diagnostics of all files. Returns the exit code: 2 if a file could not be read, else 1 if there is an
    error, else 0.

    `class_name` is the class of the namespaces that have no policy of their own.
    """
    code = 0
    for file in _expanded(files):
        for diagnostic in _check_file(file, policies, class_name):
            print(diagnostic)
            code = max(code, 2 if diagnostic.is_unread else int(diagnostic.is_error))
    return code


def _expanded(files: Sequence[str]) -> Iterator[str]:
    """Each file, and of each folder the files that `kubectl apply --recursive -f` takes; an empty folder as it is."""
    for file in files:
        if Path(file).is_dir():
            found = sorted(str(path) for path in Path(file).rglob("*") if path.suffix in (".yaml", ".yml", ".json"))
            yield from found or [file]
        else:
            yield file


def _check_file(file: str, policies: Policies, class_name: str) -> Iterator[Diagnostic]:
    if Path(file).is_dir():
        yield Diagnostic(file, 1, "there is no YAML or JSON in it or below", is_unread=True)
        return
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        yield Diagnostic(file, 1, f"cannot be read: {why}", is_unread=True)
        return
    yield from check_text(file, text, policies, class_name)


#: Of an empty document after a separator.
_NULL: Final = "tag:yaml.org,2002:null"


def check_text(file: str, text: str, policies: Policies, class_name: str = "") -> Iterator[Diagnostic]:
    """Diagnostics of all documents of one file. Documents of other kinds are passed over."""
    try:
        documents = list(yaml.compose_all(text, Loader=Loader))
    except RecursionError:
        yield Diagnostic(file, 1, "not readable: nested too deeply")
        return
    except yaml.YAMLError as error:
        yield _parse_error(file, error, 1, "not YAML")
        return
    for root in documents:
        if root is None or root.tag == _NULL:
            continue
        if not isinstance(root, yaml.MappingNode):
            message = "is no object of Kubernetes, which is a mapping with apiVersion and kind"
            yield Diagnostic(file, line(root), message)
        else:
            for node in _items(root):
                yield from _check_document(file, node, policies, class_name)


def _parse_error(file: str, error: Exception, default_line: int, what: str) -> Diagnostic:
    mark = getattr(error, "problem_mark", None)
    message = f"{what}: {getattr(error, 'problem', None) or error}"
    return Diagnostic(file, mark.line + 1 if mark else default_line, message)


def _items(root: yaml.Node) -> Iterator[yaml.Node]:
    """The document itself, or the items of a List, as `kubectl get -o yaml` prints it."""
    if scalar(root, "kind") in ("List", f"{names.KIND}List") and (items := field(root, "items")) is not None:
        if isinstance(items, yaml.SequenceNode):
            yield from items.value
    else:
        yield root


def _check_document(file: str, root: yaml.Node, policies: Policies, class_name: str) -> Iterator[Diagnostic]:
    """Diagnostics of one document: first whether it can be read as an Nginx, then the webhooks' rules."""
    version, kind = scalar(root, "apiVersion"), scalar(root, "kind")
    if (fault := _type_fault(root, version, kind)) is not None:
        path, message = fault
        yield Diagnostic(file, line_of(root, (path,)), f"{path}: {message}")
        return
    if version != names.API_VERSION:
        return
    if (node := find_cycle(root)) is not None:
        yield Diagnostic(file, line(node), "an alias refers to what contains it; JSON has no such thing")
        return
    for key in duplicate_keys(root):
        yield Diagnostic(file, line(key), f"{key.value}: stands twice in the same mapping; the last one would win")
    try:
        document: Any = Loader("").construct_document(root)
    except PARSE_ERRORS as error:
        yield _parse_error(file, error, line(root), "not readable")
        return
    yield from _validate(file, root, document, policies, class_name)


def _type_fault(root: yaml.Node, version: str | None, kind: str | None) -> tuple[str, str] | None:
    """What is wrong with apiVersion or kind of what is to be an Nginx: the field, and a sentence.

    A kind of this name in another group that is no group of Kubernetes' own is somebody else's.
    """
    group = (version or "").partition("/")[0]
    if group == names.GROUP:
        if kind != names.KIND:
            return "kind", f"{kind or 'nothing'}; must be {names.KIND}"
        return None if version == names.API_VERSION else ("apiVersion", f"must be {names.API_VERSION}")
    if kind != names.KIND or ("." in group and not group.endswith(".k8s.io")):
        return None
    if version is not None:
        return "apiVersion", f"{version or 'nothing'}; must be {names.API_VERSION}"
    near = next((key for key in keys(root) if key.lower() == "apiversion"), "")
    if near:
        return near, "unknown field; did you mean apiVersion?"
    return "apiVersion", f"is required: {names.API_VERSION}"


#: Fields of metadata that are read here.
_NAMES: Final = ("name", "generateName", "namespace")
#: The API server makes a name of this many characters of a generateName, and five of its own.
_MAX_GENERATE_NAME: Final = 58


def _validate(file: str, root: yaml.Node, document: Any, policies: Policies, class_name: str) -> Iterator[Diagnostic]:
    """Diagnostics of the webhooks' rules in a document; `root` tells their lines."""
    spec, meta = document.get("spec"), document.get("metadata")
    around = list(validate_object(document, schema.spec_fields(names.VERSION)))
    if spec is not None and not isinstance(spec, dict):
        around.append(FieldError(("spec",), f"{quoted(spec)} must be a mapping"))
    for error in around:
        yield Diagnostic(file, line_of(root, error.path), str(error))
    meta = meta if isinstance(meta, dict) else {}
    if not isinstance(spec, dict | None) or not all(isinstance(meta.get(name), str | None) for name in _NAMES):
        return
    policy = policies.for_namespace(meta.get("namespace") or "", class_name)
    result = validation.validate(_name(meta), defaults.with_defaults(spec or {}, policy), policy, strict=True)
    for error in result.errors:
        where = line_in_text(root, error.path, error.line) if error.line else line_of(root, error.path)
        yield Diagnostic(file, where, str(error))
    for warning in result.warnings:
        path = warning.split(" ", 1)[0].rstrip(":").split(".")
        yield Diagnostic(file, line_of(root, path), warning, is_error=False)


def _name(meta: dict[Any, Any]) -> str:
    """The name, or one as the API server makes it of generateName; empty if there is neither."""
    beginning = (meta.get("generateName") or "")[:_MAX_GENERATE_NAME]
    return meta.get("name") or (beginning and f"{beginning}xxxxx")
