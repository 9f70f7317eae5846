"""`nginx-operator lint`: each fault on its line."""

from pathlib import Path

import pytest

from nginx_operator.__main__ import main
from nginx_operator.api.policy import Policies
from nginx_operator.commands.lint import check_text
from tests.support.manifests import HEAD, REFUSED, TAKEN


def lint(text: str) -> list[str]:
    return [str(diagnostic) for diagnostic in check_text("f.yaml", text, Policies())]


def test_a_valid_manifest_gives_nothing() -> None:
    assert lint(HEAD + "spec: {count: 3}\n") == []
    assert lint(HEAD) == []


def test_a_fault_has_its_line() -> None:
    assert lint(HEAD + "spec:\n  # how many\n  count: three\n") == [
        'f.yaml:6: spec.count: "three" must be a whole number, such as 3'
    ]


def test_a_fault_in_a_list_has_its_line() -> None:
    (found,) = lint(HEAD + "spec:\n  imagePullSecrets:\n    - name: a\n    - name: B\n")
    assert found.startswith("f.yaml:7: spec.imagePullSecrets[1].name:")


def test_the_line_of_a_missing_field_is_that_of_its_parent() -> None:
    (found,) = lint("apiVersion: proxy.example.com/v1alpha1\nkind: Nginx\nmetadata:\n  labels: {}\n")
    assert found == "f.yaml:3: metadata.name: is required"


def test_every_document_and_every_list_item_is_checked() -> None:
    bad = HEAD + "spec: {count: -1}\n"
    items = "".join(f"  {'-' if n == 0 else ' '} {line}\n" for n, line in enumerate(bad.splitlines()))
    text = f"kind: ConfigMap\n---\n{bad}---\napiVersion: v1\nkind: List\nitems:\n{items}"
    assert [found.split(":")[1] for found in lint(text)] == ["6", "14"]


def test_documents_of_other_kinds_are_passed_over() -> None:
    assert lint("apiVersion: apps/v1\nkind: Deployment\nspec: {count: x}\n---\nvalues: 1\n---\n") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1\n", "f.yaml:2: not YAML: "),
        ("hello\n", "f.yaml:1: is no object of Kubernetes, which is a mapping"),
        (HEAD.replace("v1alpha1", "v9") + "spec: {}\n", "f.yaml:1: apiVersion: must be proxy.example.com/v1alpha1"),
        (HEAD.replace("kind: Nginx", "kind: nginx"), "f.yaml:2: kind: nginx; must be Nginx"),
        (HEAD + "spec: []\n", "f.yaml:4: spec: [] must be a mapping"),
        (HEAD + "spec:\n  count: 1\n  count: 2\n", "f.yaml:6: count: stands twice"),
        (HEAD + "spec:\n  servise: {}\n", "f.yaml:5: spec.servise: unknown field; did you mean service?"),
        (HEAD + "spec: &a\n  count: *a\n", "f.yaml:4: an alias refers to what contains it"),
        (HEAD + f"spec: {{count: {'1' * 5000}}}\n", "f.yaml:1: not readable: Exceeds the limit"),
        (HEAD + "spec: {? [a] : b}\n", "f.yaml:4: not readable: found unhashable key"),
        (HEAD + "spec: {count: !!python/name:a 1}\n", "f.yaml:4: not readable: could not determine a constructor"),
        (HEAD + "spec:\n  count: .inf\n", "f.yaml:5: spec.count: Infinity must be 2147483647 or less"),
        (HEAD.replace("web", "[web]"), "f.yaml:3: metadata.name: a list must be a string"),
        (HEAD.replace("web", "web, namespace: 1"), "f.yaml:3: metadata.namespace: 1 must be a string; put it in"),
        (
            HEAD.replace("name: web", "generateName: 1web-"),
            'f.yaml:3: metadata.name: "1web-xxxxx" must start with a letter',
        ),
        (HEAD.replace("name: web", f"generateName: {'a' * 50}"), "f.yaml:3: metadata.name: "),
        ("[" * 1000, "f.yaml:1: not readable: nested too deeply"),
    ],
)
def test_bad_input(text: str, expected: str) -> None:
    (found,) = lint(text)
    assert found.startswith(expected)


@pytest.mark.parametrize(("text", "expected"), REFUSED)
def test_what_stands_around_the_spec_is_judged_as_the_api_server_does(text: str, expected: str) -> None:
    found = lint(text)
    assert found[0].startswith(f"f.yaml:{expected}")
    assert all("metadata" in line for line in found[1:])


@pytest.mark.parametrize("text", TAKEN)
def test_what_the_api_server_takes_around_the_spec(text: str) -> None:
    assert lint(text) == []


def test_a_kind_of_that_name_in_a_group_of_others_is_theirs() -> None:
    assert lint("apiVersion: nginx.example.org/v1\nkind: Nginx\nextra: 1\n") == []


@pytest.mark.parametrize("count", ["1_0", "0x10", "010", "0o17"])
def test_numbers_are_what_kubectl_takes_for_them(count: str) -> None:
    assert lint(HEAD + f"spec: {{count: {count}}}\n") == []


@pytest.mark.parametrize("count", ["1_01", "0x66"])
def test_policy_holds_for_a_number_however_it_is_written(count: str) -> None:
    (found,) = lint(HEAD + f"spec: {{count: {count}}}\n")
    assert "is more than this cluster allows (maxCount is 100)" in found


@pytest.mark.parametrize(("count", "whole"), [("100.0", 100), ("1e2", 100), ("1.", 1), ("08", 8)])
def test_a_count_with_a_fraction_is_none_for_the_scale_subresource(count: str, whole: int) -> None:
    (found,) = lint(HEAD + f"spec: {{count: {count}}}\n")
    assert found.endswith(f"must be written without a fraction, as {whole}")


@pytest.mark.parametrize("value", ["2026-11-24", "12:30:45", "2026-11-24T12:30:45Z"])
def test_a_date_is_text_as_it_is_for_kubectl(value: str) -> None:
    assert lint(HEAD + f"spec: {{service: {{annotations: {{since: {value}}}}}}}\n") == []


@pytest.mark.parametrize("key", ["1", "true", "1.5"])
def test_a_key_is_text_as_it_is_for_kubectl(key: str) -> None:
    assert lint(HEAD + f'spec: {{service: {{annotations: {{{key}: ""}}}}}}\n') == []


@pytest.mark.parametrize("word", ["y", "N", "on", "False"])
def test_what_is_truth_for_kubectl_is_no_text(word: str) -> None:
    assert lint(HEAD + f"spec: {{paused: {word}}}\n") == []
    (found,) = lint(HEAD + f"spec: {{service: {{annotations: {{a: {word}}}}}}}\n")
    assert found.startswith("f.yaml:4: spec.service.annotations.a: ")


def test_a_name_of_aliases_of_aliases_is_not_written_out() -> None:
    aliases = "".join(f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]\n" for i in range(1, 30))
    *others, found = lint(HEAD.replace("{name: web}", "{name: *x29}").replace("kind", f"x0: &x0 [a]\n{aliases}kind"))
    assert all("unknown field" in other for other in others)
    assert found == "f.yaml:33: metadata.name: a list must be a string; put it in quotes"


@pytest.mark.parametrize("value", ["!!bool x", "!!int ''", "!!timestamp x", "9" * 5000])
def test_what_yaml_makes_no_value_of_is_told_by_its_line(value: str) -> None:
    (found,) = lint(HEAD + f"spec: {{count: {value}}}\n")
    assert ": not readable: " in found


def test_a_class_of_namespaces_has_its_policy() -> None:
    gold = {"name": "gold", "selector": {"key": "tier", "operator": "Exists"}, "maxCount": 3}
    policies = Policies.parse({"classes": [gold], "namespaces": {"shop": {}}})
    text = HEAD + "spec: {count: 4}\n"
    (found,) = check_text("f.yaml", text, policies, "gold")
    assert "4 is more than a namespace of class gold allows" in str(found)
    assert list(check_text("f.yaml", text, policies)) == []
    assert list(check_text("f.yaml", text.replace("name: web", "name: web, namespace: shop"), policies, "gold")) == []


def test_a_warning_is_marked_and_refuses_nothing() -> None:
    (found,) = check_text("f.yaml", HEAD + "spec:\n  image: nginx\n", Policies())
    assert str(found).startswith("f.yaml:5: warning: spec.image has no tag")
    assert not found.is_error


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, policy = tmp_path / "good.yaml", tmp_path / "bad.yaml", tmp_path / "policy.yaml"
    empty = tmp_path / "empty"
    empty.mkdir()
    good.write_text(HEAD + "spec: {count: 4}\n")
    bad.write_text(HEAD + "spec: {count: -4}\n")
    policy.write_text("maxCount: 3\n")
    for arguments, code, said in (
        ([good], 0, ""),
        ([good, bad], 1, f"{bad}:4: spec.count: -4 must be 0 or more"),
        ([good, "--policy-file", policy], 1, "(maxCount is 3)"),
        ([tmp_path / "none.yaml"], 2, "none.yaml:1: cannot be read: No such file"),
        ([tmp_path], 1, f"{bad}:4: spec.count: -4 must be 0 or more"),
        ([tmp_path.parent], 1, f"{bad}:4: spec.count: -4 must be 0 or more"),
        ([empty], 2, "empty:1: there is no YAML or JSON"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["lint", *map(str, arguments)])
        assert ended.value.code == code
        assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ("gold, bronze", "has no class silver; its classes are gold, bronze"),
        ("", "has no class silver; it has no classes"),
    ],
)
def test_a_class_that_the_policy_does_not_have_is_a_mistake(
    classes: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = classes.split(", ") if classes else []
    listed = [f"{{name: {name}, selector: {{key: tier, operator: In, values: [{name}]}}}}" for name in names]
    policy, good = tmp_path / "policy.yaml", tmp_path / "good.yaml"
    policy.write_text(f"classes: [{', '.join(listed)}]\n")
    good.write_text(HEAD)
    for given in (["--policy-file", str(policy)], *([] if names else [[]])):
        with pytest.raises(SystemExit) as ended:
            main(["lint", *given, "--namespace-class", "silver", str(good)])
        assert ended.value.code == 2
        told = capsys.readouterr()
        assert said in told.err
        assert told.out == ""


@pytest.mark.parametrize("policy", ["", "maxCount: 100\n"])
def test_a_release_is_named_as_its_webhooks_name_it(
    policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, file = tmp_path / "bad.yaml", tmp_path / "policy.yaml"
    bad.write_text(HEAD + "spec: {count: 101}\n")
    file.write_text(policy)
    given = ["--policy-file", str(file)] if policy else []
    with pytest.raises(SystemExit):
        main(["lint", *given, "--release", "shop-system/nginx-operator-shop", str(bad)])
    said = capsys.readouterr().out
    assert "101 is more than release shop-system/nginx-operator-shop allows (maxCount is 100)" in said
    assert "ask the administrator of release shop-system/nginx-operator-shop to raise webhooks.policy.maxCount" in said
    with pytest.raises(SystemExit):
        main(["lint", *given, str(bad)])
    scope = "this cluster" if policy else "the chart's default policy"
    assert f"101 is more than {scope} allows" in capsys.readouterr().out


def test_a_line_of_a_configuration_is_that_of_the_file() -> None:
    text = HEAD + "spec:\n  config:\n    http:\n      inline: |\n        server {\n            listen 8080\n        }\n"
    (found,) = lint(text)
    assert found.startswith('f.yaml:9: spec.config.http.inline:2: directive "listen" is not terminated')
    folded = HEAD + 'spec:\n  config:\n    http:\n      inline: "server {\\n listen 8080\\n}"\n'
    assert lint(folded)[0].startswith("f.yaml:7: spec.config.http.inline:2: ")
