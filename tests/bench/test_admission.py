"""The admission benchmark's code works, and a siege costs no honest request. How fast anything is is not asked here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.admission import clients
from bench.admission.direct import direct
from bench.admission.outcome import TABLES, TITLES, table, with_added
from bench.admission.programs import ROOT


@pytest.mark.usefixtures("built")
def test_every_figure_is_measured(tmp_path: Path) -> None:
    words = ("--rounds", "1", "--seconds", "0.5", "--besiegers", "40", "--out", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "bench.admission", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 0
    found = json.loads((tmp_path / "admission.json").read_text())
    figures = found["figures"]
    assert set(figures) == set(TITLES)
    assert set(figures["ours"]) >= {figure for rows in TABLES.values() for figure, *_ in rows}
    assert all(figures[name]["create p50"][0] > 0 for name in TITLES)
    assert table(figures, found["about"]) == done.stdout.removesuffix("\n")


def test_a_thousand_slow_connections_cost_no_honest_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "PATIENCE", 120.0)  # a machine that tests run on may stand still for seconds
    figures = direct("ours", tmp_path, os.environ, seconds=1.0, besiegers=1000)
    assert figures["siege asked"] > 0
    assert {name: value for name, value in figures.items() if name.endswith("failed") and value} == {}


def test_what_a_way_adds_is_told_in_the_same_round() -> None:
    found = with_added({"none": {"create p50": 0.002}, "ours": {"create p50": 0.005}})
    assert found["ours"]["added create p50"] == pytest.approx(0.003)
    text = table({name: {figure: [value] for figure, value in figures.items()} for name, figures in found.items()}, {})
    assert "| added to a create, p50, ms | - | 3.00 |" in text.splitlines()
