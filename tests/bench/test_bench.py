"""The benchmark's code works: every phase and every figure. How fast anything is is not asked here.

The Go peer takes ten minutes to compile and the tutorial takes minutes to converge, so `make bench` alone runs those.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.report import ROWS, cell, table
from bench.trial import ROOT, Result, quantile


@pytest.mark.usefixtures("built")
def test_every_phase_comes_to_its_end(tmp_path: Path) -> None:
    few = ("--sizes", "50", "--rounds", "1", "--idle", "1", "--changes", "10", "--contenders", "ours,floor")
    words = (*few, "--out", str(tmp_path))
    done = subprocess.run([sys.executable, "-m", "bench", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0
    found = json.loads((tmp_path / "converge-50.json").read_text())
    assert [result["contender"] for result in found["results"]] == ["ours", "floor"]
    for result in found["results"]:
        assert set(result["figures"]) == {figure for figure, *_ in ROWS}
    ours = found["results"][0]
    assert ours["writes"].keys() >= {"patch deployments", "patch services", "patch nginxes/status"}
    assert ours["scale_writes"].keys() >= {"patch deployments", "patch nginxes/status"}
    assert "patch services" not in ours["scale_writes"]
    assert ours["figures"]["restart writes"] == 0
    for phase in ("converge", "scale"):
        assert all(spent > 0 for spent in ours["control_plane"][phase].values())
    assert [file.name for file in tmp_path.iterdir()] == ["converge-50.json"]
    assert found["about"]["commands"] == [f"python -m bench {' '.join(few)}"]
    assert done.stdout.removesuffix("\n") == table([Result(**each) for each in found["results"]], found["about"])


def test_a_table_has_medians_and_spread() -> None:
    figures = [{figure: float(number) for figure, *_ in ROWS} for number in (1, 2, 4)]
    results = [Result("ours", 100, each) for each in figures] + [Result("go", 100, figures[0])]
    lines = table(results, {"cores": 2}).splitlines()
    assert "## 100 Nginx" in lines
    assert "| rounds | 3 | 1 |" in lines
    assert "| | nginx-operator | controller-runtime |" in lines
    assert "| converge, s | 2.0 (1.0-4.0) | 1.0 |" in lines


def test_a_cell_without_values_is_a_dash() -> None:
    assert cell([], 1.0, 1) == "-"


@pytest.mark.parametrize(("part", "expected"), [(0.0, 1), (0.5, 3), (0.99, 5), (1.0, 5)])
def test_quantiles(part: float, expected: float) -> None:
    assert quantile([5, 1, 4, 2, 3], part) == expected
