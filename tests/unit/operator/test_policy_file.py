import logging
from pathlib import Path

import pytest

from nginx_operator.api.policy import Policies, PolicyError
from nginx_operator.policy_file import PolicyFile

UNREADABLE = [
    *("2026-02-30", "2026-13-45", "9" * 5000, "0x" + "9" * 5000, "!!int 'x'", "!!int ''", "!!bool 'x'", "!!float ''"),
    *("!!timestamp 'x'", "'\xff", "[" * 2000, "1" + ":1" * 200 + ".0"),
]


def test_no_file_means_the_default_policy() -> None:
    policy = PolicyFile(None)
    assert not policy.refresh()
    assert policy.current == Policies()


def test_a_file_of_no_values_means_the_default_policy(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("{}")
    assert PolicyFile(tmp_path / "policy.yaml").current == Policies()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("minCount: 5\nmaxCount: 4\n", "minCount 5 is greater"),
        ("maxCuont: 4\n", "maxCuont"),
        ("{", "not readable YAML"),
        ("\x00", "not readable YAML"),
        ("- 1\n", "mapping"),
        ("", "is empty"),
        ("# maxCount: 5\n", "is empty"),
        *[(f"maxCount: {value}\n", "not readable YAML") for value in UNREADABLE],
    ],
)
def test_an_unusable_file_is_refused_at_start(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(PolicyError, match=word) as caught:
        PolicyFile(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="No such file"):
        PolicyFile(tmp_path / "policy.yaml")


def test_a_change_in_place_is_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("maxCount: 5\n")
    policy = PolicyFile(path)
    path.write_text("maxCount: 500\n")
    assert policy.refresh()
    assert not policy.refresh()
    assert policy.current.cluster.max_count == 500


def test_a_switched_link_is_taken_up_as_the_kubelet_does_it(tmp_path: Path) -> None:
    for name, text in (("..1", "maxCount: 5\n"), ("..2", "maxCount: 7\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.yaml").write_text(text)
    data = tmp_path / "..data"
    data.symlink_to("..1")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    policy = PolicyFile(tmp_path / "policy.yaml")
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").rename(data)
    policy.refresh()
    assert policy.current.cluster.max_count == 7


@pytest.mark.parametrize("text", ["", *(f"maxCount: {value}\n" for value in UNREADABLE)])
def test_whatever_a_file_becomes_the_old_policy_stays(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("maxCount: 5\n")
    policy = PolicyFile(path)
    path.write_text(text)
    assert not policy.refresh()
    assert not policy.refresh()
    assert policy.current.cluster.max_count == 5
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_broken_change_keeps_the_old_policy_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("maxCount: 5\n")
    policy = PolicyFile(path)
    path.write_text("maxCount: many\n")
    policy.refresh()
    policy.refresh()
    assert policy.current.cluster.max_count == 5
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "maxCount must be a whole number" in caplog.text
    path.unlink()
    policy.refresh()
    policy.refresh()
    assert len(caplog.records) == 2
    assert policy.current.cluster.max_count == 5
    path.write_text("maxCount: 6\n")
    policy.refresh()
    assert policy.current.cluster.max_count == 6


def test_a_file_that_is_lost_again_is_logged_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("maxCount: 5\n")
    policy = PolicyFile(path)
    for _ in range(2):
        path.unlink()
        policy.refresh()
        policy.refresh()
        path.write_text("maxCount: 5\n")
        policy.refresh()
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.ERROR]
