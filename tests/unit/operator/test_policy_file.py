"""The policy file changes under us."""

from pathlib import Path

import pytest

from nginx_operator.api.policy import Policy, PolicyError
from nginx_operator.policy_file import PolicyFile


def test_no_file_is_the_built_in_policy() -> None:
    file = PolicyFile(None)
    assert file.policy == Policy()
    assert not file.refresh()


def test_a_change_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("maxCount: 3")
    file = PolicyFile(path)
    assert not file.refresh()
    path.write_text("maxCount: 4")
    assert file.refresh()
    assert file.policy.max_count == 4


@pytest.mark.parametrize("broken", ["maxCount: x", "a: [", "\x00"])
def test_a_broken_change_keeps_what_holds(tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("maxCount: 3")
    file = PolicyFile(path)
    path.write_text(broken)
    assert not file.refresh()
    assert not file.refresh()
    assert file.policy.max_count == 3
    assert len([r for r in caplog.records if "stays in force" in r.message]) == 1


def test_a_broken_file_at_start_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"policy file .*none\.yaml"):
        PolicyFile(tmp_path / "none.yaml")
