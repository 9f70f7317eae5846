"""Writes docs/messages.md: every sentence that users read, as it stands in the sources. Run by `make generate`.

Of Python it takes each text of two words or more that is no docstring, no help of a flag and no log below warning. So a
new sentence appears by itself, and so does a part that another module joins to a sentence.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "messages.md"
OPERATOR, WEBHOOKS, CHART = "operator/nginx_operator", "webhooks/nginx_webhooks", "charts/nginx-operator"
CRD: Final = ROOT / "crds" / "proxy.example.com_nginxes.yaml"
INTRO: Final = """\
# Messages

The sentences of the operator, the webhooks and the chart, with the file that each is in; `make generate` writes this
page. `{name}`, `%s` and `...` stand for values, and some entries are parts of a sentence: a refusal follows the path
of its field. [Troubleshooting](troubleshooting.md) explains reasons and alerts, [Refusals](refusals.md) shows refusals.
"""
#: Heading, and the folders and modules below it. The first that fits holds a module.
GROUPS: Final = (
    (
        "Refusals and warnings of an Nginx",
        tuple(f"{OPERATOR}/api/{m}" for m in ("validation/", "nginx_conf/", "images.py")),
    ),
    ("Refusals of a policy", tuple(f"{OPERATOR}/{m}.py" for m in ("api/policy", "api/selectors", "policy_file"))),
    ("Conditions and events of an Nginx", (f"{OPERATOR}/decide/", f"{OPERATOR}/reconcile/")),
    ("What lint and check print", (f"{OPERATOR}/commands/",)),
    ("Logs and exits of the operator", (f"{OPERATOR}/",)),
    ("Answers, logs and exits of the webhooks", (f"{WEBHOOKS}/",)),
)
#: Texts for programs: HTTP, patterns, PEM.
_FOR_PROGRAMS: Final = re.compile(r"HTTP/1\.1|\r\n|^Bearer|\(\?|^-----|^[a-z]+/[a-z]+;|\\[.[]")
_WORDS: Final = re.compile(r"[a-zA-Z']{2,}[,;:]? +(?:[a-zA-Z'`]{2,}|a |[{%\d(`])")
#: Modules of which --help, or # HELP of a metric, says all.
_HELP_ONLY: Final = ("metrics", "flags", "process_metrics")
_HELP: Final = ("help", "description", "epilog", "metavar")
_FAIL: Final = re.compile(r"\bfail (?:\(printf )?\"(.*?)\"(?: |\)| -)")
_MESSAGE: Final = re.compile(r"message: (?:>-\n)?((?:(?!\n *[-#{]).)+)", re.DOTALL)
_WARNING: Final = re.compile(r"(?:printf|append \$\w+|cat) \"([^\"]* [^\"]* [^\"]*)\"")


def sentences(source: str) -> list[str]:
    """The texts of a module in their order, fields of f-strings as `{name}`."""
    return list(dict.fromkeys(_texts(ast.parse(source))))


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr | ast.Constant):
        text = _text(node)
        if _WORDS.search(text) and not _FOR_PROGRAMS.search(text):
            yield " ".join(text.split())
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.keyword) and child.arg in _HELP) and not _is_quiet(child):
            if isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant):
                continue  # a part of what was yielded
            yield from _texts(child)


def _is_quiet(node: ast.AST) -> bool:
    """Whether it is a docstring, an assertion, a cast, the help of a flag, or a log below warning."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Assert() | ast.Call(func=ast.Name(id="cast")):
            return True
        case ast.Call(func=ast.Attribute(attr="info" | "debug" | "add_parser" | "add_argument")):
            return True
        case ast.Call(args=[ast.Attribute(attr="INFO" | "DEBUG"), *_]):
            return True
    return False


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(_text, parts))
        case ast.FormattedValue(value=value):
            return f"{{{_name(value)}}}"
    return ""


def _name(value: ast.expr) -> str:
    """What a field stands for, in a word."""
    match value:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_").lower()
        case ast.Call(func=ast.Attribute(attr="join"), args=[inner, *_]) | ast.Subscript(value=inner):
            return _name(inner)
        case ast.Call(func=ast.Name(id="quoted" | "shown" | "truncated" | "sorted" | "map" | "len"), args=[*_, inner]):
            return _name(inner)
        case ast.Call(func=func):
            return _name(func)
    return "..."


def _modules() -> dict[str, list[str]]:
    """The sentences of each module of both packages, by its path."""
    found = {}
    for package in (OPERATOR, WEBHOOKS):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.stem not in _HELP_ONLY and (texts := sentences(path.read_text(encoding="utf-8"))):
                found[path.relative_to(ROOT).as_posix()] = texts
    return found


def _chart() -> dict[str, list[str]]:
    """The sentences of the chart, by file."""
    found = {}
    for path in sorted((ROOT / CHART / "templates").rglob("*")):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        texts = _FAIL.findall(text) + (_WARNING.findall(text) if path.name == "_warnings.tpl" else [])
        if path.name == "NOTES.txt":
            shown = (re.sub(r"{{.*?}}", "...", line).strip() for line in text.splitlines())
            texts += [line for line in shown if _WORDS.search(line)]
        elif "confinement" in path.parts:
            texts += [" ".join(each.split()) for each in _MESSAGE.findall(text)]
        if texts:
            found[path.relative_to(ROOT).as_posix()] = texts
    alerts = yaml.safe_load((ROOT / CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))
    found[f"{CHART}/files/alerts.yaml"] = [
        f"{alert['alert']}: {alert['summary']} {alert['description']}" for group in alerts.values() for alert in group
    ]
    return found


def _rules(node: Any) -> Iterator[str]:
    """The messages of the CRD's CEL rules."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else ()):
        if key == "x-kubernetes-validations":
            yield from (rule["message"] for rule in value)
        else:
            yield from _rules(value)


def written() -> str:
    """What the page should be."""
    modules = _modules()
    groups = {heading: {m: modules.pop(m) for m in list(modules) if m.startswith(paths)} for heading, paths in GROUPS}
    crd = list(_rules(yaml.safe_load(CRD.read_text(encoding="utf-8"))))
    groups[GROUPS[0][0]][CRD.relative_to(ROOT).as_posix()] = crd
    groups["The chart: notes, guards, alerts"] = _chart()
    page = INTRO
    for heading, found in groups.items():
        page += f"\n## {heading}\n"
        for module, texts in found.items():
            page += f"\n`{module}`\n\n" + "".join(f"- `` {text} ``\n" for text in texts)
    return page


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
