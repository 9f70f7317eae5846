"""The changelog has the form of Keep a Changelog, and its notes are what a release says is new."""

import datetime

import pytest

from release import changelog
from release.source import ROOT

GOOD = """\
# Changelog

Words.

## [Unreleased]

### Added

- One thing,
  on two lines.

## [0.2.0] - 2026-02-01

### Fixed

- A.

### Security

- B.

## [0.1.0] - 2026-01-01

### Added

- All.
"""


def test_ours_is_in_order() -> None:
    found = changelog.versions((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert (found[0].name, found[0].date) == (changelog.UNRELEASED, "")
    numbers = [tuple(map(int, version.name.split("."))) for version in found[1:]]
    assert numbers == sorted(numbers, reverse=True)
    dates = [datetime.date.fromisoformat(version.date) for version in found[1:]]
    assert dates == sorted(dates, reverse=True)
    assert all(version.kinds and all(version.kinds.values()) for version in found[1:])


def test_the_notes_of_a_version_are_what_stands_under_it() -> None:
    assert changelog.notes(GOOD, "0.2.0") == "### Fixed\n\n- A.\n\n### Security\n\n- B."
    assert changelog.notes(GOOD, "Unreleased") == "### Added\n\n- One thing,\n  on two lines."
    with pytest.raises(ValueError, match=r"has no version 0\.3\.0"):
        changelog.notes(GOOD, "0.3.0")


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("## [0.2.0] - 2026-02-01", "## 0.2.0 (2026-02-01)", r"line 12: '## 0\.2\.0 \(2026-02-01\)' is not"),
        ("### Fixed", "### Bugs", "line 14: '### Bugs' is no kind of change"),
        ("### Security", "### Fixed", "line 18: '### Fixed' .* twice"),
        ("- A.", "A.", r"line 16: 'A\.' belongs to no change"),
        ("### Fixed\n\n- A.", "- A.", r"line 14: '- A\.' belongs to no change"),
    ],
)
def test_what_is_of_another_form_is_refused_by_its_line(right: str, wrong: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        changelog.versions(GOOD.replace(right, wrong))
