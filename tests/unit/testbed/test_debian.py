"""What the machine must have, and the one sentence that says what it has not."""

from __future__ import annotations

import pytest

from testbed import debian


def test_a_machine_that_has_all_gets_no_sentence() -> None:
    lacks = debian.lacking("node", lambda program: True)
    assert lacks == {}
    assert debian.sentence("node", root=True, lacks=lacks, apt=False) is None


def test_what_apt_can_install_is_not_missing() -> None:
    lacks = debian.lacking("node", lambda program: program != "runc")
    assert lacks == {"runc": "runc"}
    assert debian.sentence("node", root=True, lacks=lacks, apt=True) is None


def test_the_sentence_names_program_and_package() -> None:
    lacks = debian.lacking("node", lambda program: program not in ("runc", "/usr/lib/cni/bridge"))
    sentence = debian.sentence("node", root=True, lacks=lacks, apt=False)
    assert sentence is not None
    assert "lacks /usr/lib/cni/bridge, runc" in sentence
    assert "containernetworking-plugins, runc" in sentence
    assert sentence.count(". ") == 0


@pytest.mark.parametrize("purpose", ["control-plane", "node", "image"])
def test_root_is_asked_for_first(purpose: debian.Purpose) -> None:
    sentence = debian.sentence(purpose, root=False, lacks={"runc": "runc"}, apt=False)
    assert sentence is not None
    assert "needs root" in sentence
    assert "runc" not in sentence


def test_the_control_plane_needs_less_than_the_node() -> None:
    assert set(debian.NEEDS["control-plane"]) < set(debian.NEEDS["node"])
