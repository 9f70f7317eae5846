"""The demo's own decisions: what it types, and what it would call wrong."""

import io
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.demo import claims, environment
from tests.demo.console import Console, DemoError, typed
from tests.demo.places import CurrentPlace, EmbeddedPlace, image_tag, install_words


def pod(name: str, phase: str = "Running", ready: str = "True") -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready, "lastProbeTime": None}]
    return {"metadata": {"name": name}, "status": {"phase": phase, "conditions": conditions}}


def nginx(names: list[str], ready: str = "True") -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "reason": "Ready", "message": "all pods are ready"}
    status = {"nodes": names, "count": len(names), "readyCount": len(names), "conditions": [condition]}
    return {"spec": {"count": 2, "image": "nginx:1"}, "status": status}


@pytest.mark.parametrize("words", [["kubectl", "get", "nginx"], ["echo", "it's", "{.spec} $HOME", ""]])
def test_a_command_is_shown_as_a_shell_reads_it(words: list[str]) -> None:
    assert shlex.split(typed(words)) == words


def test_a_document_is_shown_as_standard_input() -> None:
    assert typed(["kubectl", "apply", "-f", "-"], "a: 1\n") == "kubectl apply -f - <<'EOF'\na: 1\nEOF"


def test_the_console_shows_the_command_and_both_streams() -> None:
    out = io.StringIO()
    program = "import sys; print(sys.stdin.read().upper()); print('no', file=sys.stderr); sys.exit(3)"
    answer = Console(out, os.environ).run([sys.executable, "-c", program], document="yes", shown="shout")
    assert (answer.code, answer.out, answer.err, answer.typed) == (3, "YES\n", "no\n", "shout")
    assert out.getvalue() == "\n$ shout\nYES\nno\n"


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(DemoError, match="no-such-program is not on PATH"):
        Console(io.StringIO(), os.environ).ask(["no-such-program"])


def test_all_is_well() -> None:
    pods = [pod("a"), pod("b")]
    assert claims.pods_run(pods, 2) is None
    assert claims.status_names_pods(nginx(["a", "b"]), pods) is None
    assert claims.defaulted(nginx([]), 2, "nginx:1") is None
    assert claims.refused(1, "spec.count: 101 is more than this", ["spec.count", "101"]) is None
    assert claims.nothing_left("") is None
    assert claims.page_of_nginx("<h1>Welcome to nginx!</h1>") is None


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (claims.pods_run([pod("a"), pod("b", phase="Pending")], 2), "1 of 2"),
        (claims.pods_run([pod("a"), pod("b", ready="False")], 2), "1 of 2"),
        (claims.pods_run([pod("a"), pod("b"), pod("c")], 2), "2 Running"),
        (claims.status_names_pods(nginx(["b", "a"]), [pod("a"), pod("b")]), "status.nodes"),
        (claims.status_names_pods(nginx(["a"]), [pod("a"), pod("b")]), "status.nodes"),
        (claims.status_names_pods({}, [pod("a")]), "status.nodes"),
        (claims.status_names_pods(nginx(["a"], ready="False"), [pod("a")]), "Ready"),
        (claims.defaulted(nginx([]), 1, None), "should have become 1"),
        (claims.defaulted(nginx([]), 2, "nginx:2"), "nginx:2"),
        (claims.refused(0, "created", []), "was accepted"),
        (claims.refused(1, "no", ["maxCount"]), "'maxCount'"),
        (claims.nothing_left("pod/a\nservice/b\n"), "pod/a, service/b"),
        (claims.page_of_nginx("404 from a proxy"), "404 from a proxy"),
    ],
)
def test_what_is_wrong_is_said(fault: str | None, words: str) -> None:
    assert fault is not None
    assert words in fault


def test_the_first_run_installs_as_the_readme_says() -> None:
    line = typed(install_words("install"))
    assert line.startswith(
        "helm install nginx-operator charts/nginx-operator -n nginx-operator-system --create-namespace --wait"
    )


def test_a_release_on_the_users_cluster_is_left_alone_unless_an_image_is_named() -> None:
    assert CurrentPlace("", "").install("deployed") == []
    (words,) = CurrentPlace("registry.example.com/mine", "1").install("deployed")
    assert words[1] == "upgrade"
    assert "--reset-then-reuse-values" in words
    assert {"image.registry=", "image.repository=registry.example.com/mine", "image.tag=1"} <= set(words)


def test_only_a_release_that_the_demo_installed_is_to_be_uninstalled() -> None:
    place = CurrentPlace("", "")
    place.install(None)
    assert "helm uninstall" in place.farewell()
    place.install("deployed")
    assert "helm uninstall" not in place.farewell()
    assert "kubectl delete namespace nginx-operator-demo" in place.farewell()


def test_a_release_that_never_came_up_is_mended_in_our_cluster_only() -> None:
    assert [words[1] for words in EmbeddedPlace("demo").install("failed")] == ["uninstall", "install"]
    with pytest.raises(DemoError, match="is failed"):
        CurrentPlace("", "").install("failed")


def test_the_second_run_upgrades() -> None:
    assert [words[1] for words in EmbeddedPlace("demo").install("deployed")] == ["upgrade"]


def test_the_tag_follows_the_sources(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY crds /crds\n", encoding="utf-8")
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds" / "a.yaml").write_text("a", encoding="utf-8")
    first = image_tag(tmp_path)
    (tmp_path / "notes.txt").write_text("no source", encoding="utf-8")
    assert image_tag(tmp_path) == first
    (tmp_path / "crds" / "a.yaml").write_text("b", encoding="utf-8")
    assert image_tag(tmp_path) != first


def test_pins_are_counted() -> None:
    assert environment.pins("a==1 \\\n    --hash=sha256:00\nb-c==2 ; python_version < '3.12' \\\n# d==3\n") == 2
