"""The code that counts what a change makes a cluster do: a change of each end of the list, and the sums."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench.changes import OPERATOR, medians, named
from bench.records import changes_name
from bench.trial import ROOT


@pytest.mark.usefixtures("built")
def test_a_change_is_counted_until_the_cluster_is_at_rest(tmp_path: Path) -> None:
    words = ("--times", "2", "--first", "1", "--contenders", "ours", "--out", str(tmp_path))
    assert subprocess.run([sys.executable, "-m", "bench.changes", *words], cwd=ROOT).returncode == 0
    found = json.loads((tmp_path / changes_name()).read_text())
    assert found["about"]["commands"] == ["python -m bench.changes --times 2 --contenders ours --first 1"]
    ((title, requests),) = found["requests"]["ours"].items()
    assert title == "count, 3 to 4"
    assert requests["deployment-controller"]["update replicasets"] == 1
    assert requests["replicaset-controller"]["create pods"] == 1
    assert requests[OPERATOR]["patch deployments"] == 1
    assert "bench" not in requests


def test_the_contender_has_a_name_and_who_changes_does_not_count() -> None:
    found = Counter({("contender", "patch deployments"): 1, ("bench", "patch nginxes"): 1, ("kwok", "delete pods"): 2})
    assert named(found) == {(OPERATOR, "patch deployments"): 1, ("kwok", "delete pods"): 2}


def test_what_happens_for_few_of_several_is_no_rule() -> None:
    each = [Counter({("a", "x"): number, ("b", "y"): int(number == 3)}) for number in (1, 2, 3)]
    assert medians(each) == {("a", "x"): 2}
