"""Processes: known by pid and start time, ended without harm to others, and their errors readable."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from pathlib import Path

import pytest

from testbed import processes
from testbed.errors import part_failed
from testbed.waiting import until


def test_stat_is_read_although_a_programs_name_holds_parentheses() -> None:
    fields = ["S", *(str(number) for number in range(4, 23))]
    assert processes.parse_stat(f"123 (a) S 1 (b) {' '.join(fields)}") == ("S", 22)


def test_a_process_outlives_its_record_and_is_ended_by_it(tmp_path: Path) -> None:
    processes.start(["sleep", "60"], tmp_path / "log").save(tmp_path / "sleep.json")
    known = processes.Process.load(tmp_path / "sleep.json")
    assert known is not None
    assert known.alive
    processes.end(known, grace=5)
    assert not known.alive


def test_a_process_inherits_no_descriptor_but_its_listener(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock, (tmp_path / "listener").open("w") as listener:
        os.set_inheritable(lock.fileno(), True)
        known = processes.start(["sleep", "60"], tmp_path / "log", listener=listener.fileno())
        expected = {"0": "null", "1": "log", "2": "log", "3": "listener"}

        def files() -> dict[str, str]:
            return {entry.name: entry.resolve().name for entry in Path(f"/proc/{known.pid}/fd").iterdir()}

        try:
            # The dynamic loader opens libraries for a moment; what is inherited stays.
            until(lambda: files() == expected, seconds=5, what="no descriptor but these")
        finally:
            processes.end(known, grace=0)


def test_one_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    stubborn = processes.start(["sh", "-c", script], tmp_path / "log")
    until(lambda: (tmp_path / "log").read_text() == "ready\n", seconds=5, what="the trap")
    began = time.monotonic()
    processes.end(stubborn, grace=0.2)
    assert not stubborn.alive
    assert time.monotonic() - began >= 0.2


def test_a_process_is_there_until_its_last_thread_is_gone(tmp_path: Path) -> None:
    program = (
        "import ctypes, threading, time;"
        "threading.Thread(target=time.sleep, args=(60,)).start();"
        "print('ready', flush=True);"
        "ctypes.CDLL(None).pthread_exit(None)"  # the first thread alone
    )
    known = processes.start([sys.executable, "-c", program], tmp_path / "log")
    try:
        stat = Path(f"/proc/{known.pid}/stat")
        until(lambda: processes.parse_stat(stat.read_text())[0] == "Z", seconds=5, what="the end of the first thread")
        assert known.alive
    finally:
        processes.end(known, grace=0)
    assert not known.alive


def test_another_process_under_the_same_pid_is_not_taken_for_it(tmp_path: Path) -> None:
    mine = processes.start(["sleep", "60"], tmp_path / "log")
    try:
        for other in (dataclasses.replace(mine, started=1), dataclasses.replace(mine, boot="another")):
            assert not other.alive
            processes.end(other, grace=0)
        assert mine.alive
    finally:
        processes.end(mine, grace=0)


def test_a_command_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        processes.start(["no-such-program"], tmp_path / "log")


def test_no_proxy_of_the_caller_comes_between_the_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    shown = processes.start(["env"], tmp_path / "log")
    until(lambda: not shown.alive, seconds=5, what="the end of env")
    assert "PATH=" in (tmp_path / "log").read_text()
    assert "PROXY" not in (tmp_path / "log").read_text()


def test_killing_spares_the_callers_own_line() -> None:
    processes.kill_all(processes._own_line())


def test_an_error_names_the_part_its_log_and_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    message = str(part_failed("etcd", "ended", log))
    assert message.startswith("etcd: ended\n")
    assert str(log) in message
    assert "line 99" in message
    assert "line 84" not in message


def test_an_error_says_so_when_there_is_no_log(tmp_path: Path) -> None:
    assert "it is empty" in str(part_failed("etcd", "ended", tmp_path / "none"))
