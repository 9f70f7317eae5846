"""The judge beside nginx itself: `NGINX_BINARY=<nginx 1.28> make unit PYTEST_ARGS='-k against_nginx'`.

NGINX_MUTATIONS says how many mutated configurations, and NGINX_SEED which.
"""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nginx_operator.api.nginx_conf.judge import judge
from nginx_operator.api.nginx_conf.rules import Rules
from tests.support.nginx_configurations import HTTP, MAIN, mutated

OURS_TO_FIND = re.compile(
    r'unexpected (?!".*" in condition)|not allowed here|invalid number of'
    r"|is not terminated|has no opening|too long parameter"
)
EVERYTHING_ALLOWED = Rules(denied=(), include_trees=("/",))


def binary() -> str:
    """The nginx to compare with; the test bed has none of this version yet, so a variable names it."""
    named = os.environ.get("NGINX_BINARY")
    if not named:
        pytest.skip("NGINX_BINARY names no nginx to compare with")
    return named


def nginx_says(text: str, place: str, folder: Path) -> str:
    """What `nginx -t` complains of; empty when it accepts."""
    inner, outer = folder / "inner.conf", folder / "nginx.conf"
    inner.write_bytes(text.encode("utf-8", "surrogatepass"))
    outer.write_text(f"events {{}} http {{ include {inner}; }}" if place == "http" else f"include {inner};")
    pid = () if "pid " in text else ("-g", "pid t.pid;")
    done = subprocess.run(
        [binary(), "-t", "-q", "-p", str(folder), "-c", str(outer), "-e", "stderr", *pid],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=30,
    )
    return "" if done.returncode == 0 else done.stderr or f"exit code {done.returncode}"


def disagreement(text: str, place: str, folder: Path) -> tuple[str, str]:
    """The verdicts, and a sentence when they differ in what the judge promises."""
    verdict = judge(text, path="t", place="http" if place == "http" else "main", rules=EVERYTHING_ALLOWED)
    said = nginx_says(text, place, folder)
    kind = f"{'refused' if verdict.errors else 'accepted'} here, {'refused' if said else 'accepted'} by nginx"
    if verdict.errors and not said:
        return kind, f"only the judge refuses: {verdict.errors[0]}\n{text[:500]!r}"
    if said and not verdict.errors and OURS_TO_FIND.search(said):
        return kind, f"only nginx refuses: {said}\n{text[:500]!r}"
    return kind, ""


def test_verdicts_against_nginx(tmp_path: Path) -> None:
    rng = random.Random(int(os.environ.get("NGINX_SEED", "20")))
    originals = [(text, "http") for text in HTTP.values()] + [(text, "main") for text in MAIN.values()]
    assert [nginx_says(text, place, tmp_path) for text, place in originals] == [""] * len(originals)
    count = int(os.environ.get("NGINX_MUTATIONS", "300"))
    texts = originals + [(mutated(text, rng), place) for text, place in (rng.choice(originals) for _ in range(count))]
    kinds: dict[str, int] = {}
    differences = []
    for text, place in texts:
        kind, sentence = disagreement(text, place, tmp_path)
        kinds[kind] = kinds.get(kind, 0) + 1
        differences += [sentence] if sentence else []
    sys.stdout.write(f"{kinds}\n")
    assert differences == []
