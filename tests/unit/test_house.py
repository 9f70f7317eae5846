"""The developer's house: what its files promise each other."""

import ast
import importlib.util
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import nginx_operator
from nginx_operator.api import defaults, names, schema, validation
from nginx_operator.api.policy import Policy

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
CRD = ROOT / "crds" / "proxy.example.com_nginxes.yaml"


def run(*words: str) -> str:
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(read("pyproject.toml"))["project"]
    return found


def phony_targets() -> set[str]:
    return set(re.findall(r"^\.PHONY: (\S+)$", read("Makefile"), re.MULTILINE))


def test_make_help_lists_every_task() -> None:
    listed = set(re.findall(r"^make (\S+)  ", run("make", "help"), re.MULTILINE))
    assert listed == phony_targets()
    assert {"demo", "down", "kubeconfig", "tools", "shell", "exec", "unit", "lint", "test"} <= listed


def test_help_is_what_make_does_alone() -> None:
    assert run("make") == run("make", "help")


def test_continuous_integration_runs_the_tests_and_nothing_else() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    lines = [line for line in script.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."', "exec make test"]


def test_the_make_variable_of_a_command_reaches_the_shell_unchanged() -> None:
    line = run("make", "--just-print", "--old-file=.venv/.stamp", "exec", "CMD=echo '$HOME' \"$x\"")
    assert 'bash -c "$DEMO_COMMAND"' in line


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_file_pins_by_hash_and_names_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    pins = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    assert pins
    assert [pin for pin in pins if not re.match(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin)] == []
    assert "://" not in text
    assert "--index-url" not in text


def test_the_lock_files_are_those_that_make_writes() -> None:
    written = set(re.findall(r"--output-file requirements/(\S+)", read("Makefile")))
    assert {lock.name for lock in LOCKS} == written


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_valid(example: Path) -> None:
    documents = list(yaml.safe_load_all(example.read_text(encoding="utf-8")))
    ours = [document for document in documents if document["apiVersion"] == names.API_VERSION]
    assert ours
    for document in ours:
        assert set(document) == {"apiVersion", "kind", "metadata", "spec"}
        assert document["kind"] == names.KIND
        spec = defaults.with_defaults(document["spec"], Policy())
        assert validation.validate(document["metadata"]["name"], spec, Policy(), strict=True).errors == []


def test_the_first_example_is_the_whole_idea() -> None:
    assert yaml.safe_load(read("examples/01-nginx-sample.yaml")) == {
        "apiVersion": "proxy.example.com/v1alpha1",
        "kind": "Nginx",
        "metadata": {"name": "nginx-sample"},
        "spec": {"count": 3},
    }


def test_the_chart_has_the_schema_of_crds() -> None:
    copy = ROOT / "charts/nginx-operator/files/crds" / CRD.name
    assert copy.read_bytes() == CRD.read_bytes(), "run `make generate`"


def test_explain_shows_defaults_and_bounds() -> None:
    """`kubectl explain` prints descriptions, and neither defaults nor bounds."""
    fields = load("fields")

    def missing(path: str, field: dict[str, Any]) -> Iterator[str]:
        words = fields.in_words(field) if "type" in field else ""
        if words and not " ".join(field["description"].split()).endswith(words):
            yield f"{path}: {words}"
        for name, child in field.get("properties", {}).items():
            yield from missing(f"{path}.{name}", child)
        if "items" in field:
            yield from missing(f"{path}[]", field["items"])

    (version,) = schema.crd()["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert list(missing("spec", spec)) == []


@pytest.mark.parametrize(("script", "page"), [("fields", "reference"), ("messages", "messages")])
def test_a_generated_page_is_what_its_sources_say(script: str, page: str) -> None:
    assert load(script).written() == read(f"docs/{page}.md"), "run `make generate`"


def load(script: str) -> ModuleType:
    """A script of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(script, ROOT / "docs" / f"{script}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_explains_every_top_field_of_the_spec() -> None:
    readme = read("README.md")
    assert [name for name in schema.spec_schema(names.VERSION)["properties"] if f"`{name}`" not in readme] == []


def test_troubleshooting_explains_every_reason_and_no_other() -> None:
    explained = set(re.findall(r"^\| `([A-Z]\w+)` \|", read("docs/troubleshooting.md"), re.MULTILINE))
    assert explained == reasons(ast.parse(read("operator/nginx_operator/decide/conditions.py")))


def reasons(module: ast.Module) -> set[str]:
    """Arguments of ConditionState(), _failing_container() and _refused(), and values of a variable called reason."""
    found: list[ast.expr] = []
    position = {"ConditionState": 1, "_failing_container": 1, "_refused": 0}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in position:
            found.append(node.args[position[node.func.id]])
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "reason":
            assert isinstance(node.value, ast.IfExp)
            found += [node.value.body, node.value.orelse]
    return {node.value for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_the_changelog_tells_of_this_version() -> None:
    versions = re.findall(r"^## \[([^]]+)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert versions[:2] == ["Unreleased", project()["version"]]


def test_the_chart_is_of_this_version_and_installs_it() -> None:
    chart = yaml.safe_load(read("charts/nginx-operator/Chart.yaml"))
    assert (chart["version"], chart["appVersion"]) == (project()["version"], project()["version"])


def test_the_programs_say_this_version() -> None:
    assert nginx_operator.__version__ == project()["version"]


def test_the_image_is_labelled_with_this_version() -> None:
    assert f"ARG VERSION={project()['version']}\n" in read("Dockerfile")


def test_the_image_gets_all_that_it_copies() -> None:
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", read("Dockerfile"), re.MULTILINE)
    let_through = [line[1:].rstrip("*").rstrip("/") for line in read(".dockerignore").splitlines() if line[0] == "!"]
    for source in " ".join(sources).split():
        assert any(path == source or path.startswith(f"{source}/") for path in let_through), source


def test_tests_share_what_stands_in_support_and_nothing_else() -> None:
    """Apart from its own package, a module of the tests imports tests.support: no other tests, and no demo."""
    found = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        package = ".".join(path.relative_to(ROOT).parent.parts)
        for module in imported(ast.parse(path.read_text(encoding="utf-8"))):
            own = package in (module, module.rpartition(".")[0])
            if module.startswith("tests.") and not module.startswith("tests.support") and not own:
                found.append(f"{path.relative_to(ROOT)} imports {module}")
    assert found == []


MAPPED = sorted(
    str(init.parent.relative_to(ROOT))
    for top in ("operator", "webhooks", "testbed")
    for init in (ROOT / top).rglob("__init__.py")
)


@pytest.mark.parametrize("package", [*MAPPED, "tests/support", "tests/support/apiserver"])
def test_the_docstring_of_a_package_maps_its_modules(package: str) -> None:
    text = ast.get_docstring(ast.parse(read(f"{package}/__init__.py")))
    assert text is not None
    listed = re.findall(r"^ *(\w+)(?:(?:\.py|/) +| {2,})\S", text, re.MULTILINE)
    modules = {path.stem for path in (ROOT / package).glob("*.py")} | {
        path.parent.name for path in (ROOT / package).glob("*/__init__.py")
    }
    assert sorted(listed) == sorted(modules - {"__init__"})


def imported(module: ast.Module) -> Iterator[str]:
    """The modules that a module imports, or imports names from."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_no_file_names_a_home() -> None:
    files = run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    assert files
    home = re.compile(rb"/(?:home|Users)/(?!someone)[a-z]|/roo[t]/")
    naming = [name for name in files if (ROOT / name).is_file() and home.search((ROOT / name).read_bytes())]
    assert naming == []


def places() -> list[tuple[str, str]]:
    """Each path in CONTRIBUTING's table of frequent changes, with what stands in brackets behind it."""
    section = read("CONTRIBUTING.md").partition("## Where things are")[2].partition("## Style")[0]
    rows = "\n".join(line for line in section.splitlines() if line.startswith("| a") or line.startswith("| what"))
    return re.findall(r"`([a-z][\w./-]*(?:/|\.(?:py|ya?ml|json|md)))`(?: \(([^)]*)\))?", rows)


@pytest.mark.parametrize(("path", "names_in_it"), places())
def test_contributing_names_places_that_exist(path: str, names_in_it: str) -> None:
    found = [top for top in (ROOT, ROOT / "operator/nginx_operator") if (top / path).exists()]
    siblings = list((ROOT / "charts/nginx-operator/templates").rglob(path)) + list(ROOT.glob(f"tests/**/{path}"))
    assert found or siblings, f"{path} does not exist"
    if found and (found[0] / path).is_file():
        text = (found[0] / path).read_text(encoding="utf-8")
        for name in re.findall(r"`(\w+)`", names_in_it):
            assert re.search(rf"\b{name}\b", text), f"{name} is not in {path}"
