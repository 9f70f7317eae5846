"""The judge of configurations beside nginx itself, the one that the test bed builds.

NGINX_MUTATIONS says how many mutated configurations, and NGINX_SEED which.
"""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nginx_operator.api import nginx_conf
from nginx_operator.api.nginx_conf.judge import judge
from nginx_operator.api.nginx_conf.rules import Rules
from testbed import nginxbuild
from testbed.debian import missing_for
from tests.support.beds import shown
from tests.support.nginx_configurations import HTTP, MAIN, mutated

OURS_TO_FIND = re.compile(
    r'unexpected (?!".*" in condition)|not allowed here|invalid number of'
    r"|is not terminated|has no opening|too long parameter"
)
TABLE = Path(nginx_conf.__path__[0]) / "directives.json"
EVERYTHING_ALLOWED = Rules(denied=(), include_trees=("/",))


IN_ITS_PLACES = """
mount -t tmpfs tmpfs /var/log && mount -t tmpfs tmpfs /var/cache && mkdir /var/log/nginx /var/cache/nginx &&
mount --bind passwd /etc/passwd && mount --bind group /etc/group && exec "$@"
"""
"""Gives a program, in a mount namespace, what the image has and the machine lacks: nginx's folders and its user."""


@pytest.fixture(scope="module")
def nginx(request: pytest.FixtureRequest) -> str:
    """The program."""
    if sentence := missing_for("image"):
        pytest.skip(sentence)
    with shown(request) as progress:
        program = nginxbuild.folder(progress) / "nginx"
    done = subprocess.run([program, "-v"], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"The test bed's nginx runs in its images, but not on this machine: {done.stderr.strip()}")
    assert nginxbuild.version() == json.loads(TABLE.read_text())["nginx"], "the judge knows another nginx's directives"
    return str(program)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where nginx runs, with the accounts of the image."""
    for name, id_ in (("root", 0), ("nginx", 101)):
        for file, line in (("passwd", f"{name}:x:{id_}:{id_}::/:/bin/false\n"), ("group", f"{name}:x:{id_}:\n")):
            with (tmp_path / file).open("a") as accounts:
                accounts.write(line)
    return tmp_path


def nginx_says(nginx: str, text: str, place: str, folder: Path) -> str:
    """What `nginx -t` complains of; empty when it accepts."""
    inner, outer = folder / "inner.conf", folder / "nginx.conf"
    inner.write_bytes(text.encode("utf-8", "surrogatepass"))
    outer.write_text(f"events {{}} http {{ include {inner}; }}" if place == "http" else f"include {inner};")
    pid = () if "pid " in text else ("-g", f"pid {folder}/t.pid;")
    command = [nginx, "-t", "-q", "-c", str(outer), "-e", "stderr", *pid]
    done = subprocess.run(
        ["unshare", "--mount", "--", "sh", "-c", IN_ITS_PLACES, "sh", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=30,
    )
    return "" if done.returncode == 0 else done.stderr or f"exit code {done.returncode}"


def disagreement(nginx: str, text: str, place: str, folder: Path) -> tuple[str, str]:
    """The verdicts, and a sentence when they differ in what the judge promises."""
    verdict = judge(text, path="t", place="http" if place == "http" else "main", rules=EVERYTHING_ALLOWED)
    said = nginx_says(nginx, text, place, folder)
    kind = f"{'refused' if verdict.errors else 'accepted'} here, {'refused' if said else 'accepted'} by nginx"
    if verdict.errors and not said:
        return kind, f"only the judge refuses: {verdict.errors[0]}\n{text[:500]!r}"
    if said and not verdict.errors and OURS_TO_FIND.search(said):
        return kind, f"only nginx refuses: {said}\n{text[:500]!r}"
    return kind, ""


def test_verdicts_against_nginx(nginx: str, folder: Path) -> None:
    rng = random.Random(int(os.environ.get("NGINX_SEED", "20")))
    originals = [(text, "http") for text in HTTP.values()] + [(text, "main") for text in MAIN.values()]
    assert [nginx_says(nginx, text, place, folder) for text, place in originals] == [""] * len(originals)
    count = int(os.environ.get("NGINX_MUTATIONS", "300"))
    texts = originals + [(mutated(text, rng), place) for text, place in (rng.choice(originals) for _ in range(count))]
    kinds: dict[str, int] = {}
    differences = []
    for text, place in texts:
        kind, sentence = disagreement(nginx, text, place, folder)
        kinds[kind] = kinds.get(kind, 0) + 1
        differences += [sentence] if sentence else []
    sys.stdout.write(f"{kinds}\n")
    assert differences == []
