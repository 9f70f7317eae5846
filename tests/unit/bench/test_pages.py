"""What pages quote of benchmarks is what the committed results hold, and results do not overwrite each other."""

import re
import shutil
from pathlib import Path

import pytest

from bench import pages
from bench.admission import outcome
from bench.pages.converge import SIZES
from bench.records import (
    ADMISSION,
    RESULTS,
    converge_name,
    cycles_name,
    drawn_from,
    lost,
    read,
    read_results,
    write,
    write_results,
)
from bench.trial import ROOT, Result

each_page = pytest.mark.parametrize("page", pages.PAGES)
#: A number with a unit of what benchmarks measure, or a ratio.
FIGURE = re.compile(r"\d[\d.,]*(?: to [\d.,]+)? ?(?:ms|µs|s|MB|MiB|KB|%)(?![\w/])|\d[\d.]* times")
#: What is set and not measured, by page.
SETTINGS = {
    "docs/performance.md": {"20 ms"},  # the coalescing delay
    "docs/admission-performance.md": {"1 MiB", "256 MiB"},  # limits: aiohttp's of a body, the chart's of memory
}


@each_page
def test_a_page_says_what_the_results_hold(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert pages.names(text) == list(pages.PAGES[page])
    assert pages.written(page, text) == text, "run `make bench-docs`"


@pytest.mark.parametrize("page", SETTINGS)
def test_no_figure_stands_outside_of_what_is_written_from_results(page: str) -> None:
    text = re.sub(r"`[^`]*`", "", pages.outside((ROOT / page).read_text(encoding="utf-8")))
    assert {found[0] for found in FIGURE.finditer(text)} - SETTINGS[page] == set()


def test_readme_quotes_no_other_memory_than_the_results() -> None:
    text = pages.outside((ROOT / "README.md").read_text(encoding="utf-8"))
    assert re.findall(r"\d+ MB|[\d.]+ ms|less than a Go", text) == []


def test_another_result_makes_another_page(tmp_path: Path) -> None:
    for file in RESULTS.glob("*.json"):
        shutil.copy(file, tmp_path)
    path = tmp_path / converge_name(1000, services=True)
    whole = read(path)
    for result in whole["results"]:
        result["figures"]["peak rss"] *= 2
    write(path, whole)
    for page in ("README.md", "docs/performance.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert pages.written(page, text, tmp_path) != text


def test_a_block_that_nothing_writes_is_an_error() -> None:
    with pytest.raises(KeyError):
        pages.written("README.md", "<!-- bench: wishes -->\nfast\n<!-- end -->")


def test_pictures_are_of_these_results() -> None:
    shown = [converge_name(nginxes, services=services) for nginxes, services in SIZES if nginxes <= 1000]
    assert drawn_from(*shown) in (RESULTS / "converge.svg").read_text(), "run `make bench-docs`"
    assert drawn_from(ADMISSION) in (RESULTS / "admission.svg").read_text(), "run `make bench-docs`"


def test_each_file_names_its_size_its_commit_and_its_command() -> None:
    names = {converge_name(nginxes, services=services) for nginxes, services in SIZES}
    assert {file.name for file in RESULTS.glob("*.json")} == {*names, cycles_name(10_000), ADMISSION}
    for file in RESULTS.glob("*.json"):
        about = read(file)["about"]
        assert about["commit"]
        assert about["commands"]
        assert all(command.startswith("python -m bench") for command in about["commands"])
    for nginxes, services in SIZES:
        results, about = read_results(RESULTS / converge_name(nginxes, services=services))
        assert {(result.nginxes, result.services) for result in results} == {(nginxes, services)}
        assert all(f"--sizes {nginxes} " in command for command in about["commands"])


def result(contender: str, **figures: float) -> Result:
    return Result(contender, 1000, figures)


@pytest.mark.parametrize(
    ("contenders", "scales", "rounds", "said"),
    [
        (("ours", "go"), True, 2, None),
        (("ours", "go", "floor"), True, 3, None),
        (("ours",), True, 2, "leaves out go"),
        (("ours", "go"), False, 2, "leaves out the scaling"),
        (("ours", "go"), True, 1, "has fewer rounds (1, not 2)"),
    ],
)
def test_a_run_that_holds_less_replaces_nothing(
    tmp_path: Path, contenders: tuple[str, ...], scales: bool, rounds: int, said: str | None
) -> None:
    path = tmp_path / converge_name(1000, services=True)
    assert lost(path, contenders, scales=scales, rounds=rounds) is None
    write_results(path, [result("ours", scale=1.0), result("go", scale=1.0), result("ours")], {})
    sentence = lost(path, contenders, scales=scales, rounds=rounds)
    assert (said is None) == (sentence is None)
    assert said is None or said in (sentence or "")


def test_a_shorter_run_of_admission_replaces_nothing(tmp_path: Path) -> None:
    whole = {"rounds": 3, "seconds": 8.0, "besiegers": 1000}
    assert outcome.lost(tmp_path, whole) is None
    outcome.save({}, tmp_path, whole)
    assert outcome.lost(tmp_path, whole) is None
    sentence = outcome.lost(tmp_path, {**whole, "rounds": 1, "seconds": 0.5})
    assert sentence
    assert "has fewer rounds (1, not 3) and has fewer seconds (0.5, not 8)" in sentence
