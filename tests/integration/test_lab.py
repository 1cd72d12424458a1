"""The lab itself: cores appear, carry their truth, are made once, and are made by a debugger where
the kernel gives none.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import interpreters
from lab import Lab, NoCrash, Script, corpus, crash, hang, snapshot

CORPUS = corpus()


def test_a_core_carries_its_signal_its_truth_and_is_made_once(lab: Lab) -> None:
    first = lab.crash("debug", "union_args_list")
    again = lab.crash("debug", "union_args_list")
    assert first == again
    assert first.signal == "SIGABRT"
    assert "PyTuple_Check(op)" in first.stderr
    assert int(first.truth["subject"], 16) > 0


@pytest.mark.parametrize("name", ["list_item_decref", "os_abort"])
def test_without_the_kernels_core_the_debugger_writes_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GDBEXT_LAB_CORES", "debugger")
    run = crash(
        interpreters.build("release"), CORPUS[name].path, folder=tmp_path / "run", timeout=60
    )
    assert run.signal == CORPUS[name].on("release")["signal"]
    with run.core.open("rb") as core:
        assert core.read(4) == b"\x7fELF"
    used = run.core.stat().st_blocks * 512
    assert used < run.core.stat().st_size / 4, "the core is not sparse"


def test_a_script_that_lives_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "lives.py"
    script.write_text("print('well')\n")
    with pytest.raises(NoCrash, match="exit status 0: well"):
        crash(interpreters.build("release"), script, folder=tmp_path / "run", attempts=2)


def test_a_script_that_hangs_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "hangs.py"
    script.write_text("import time\ntime.sleep(600)\n")
    with pytest.raises(NoCrash, match="still alive"):
        crash(interpreters.build("release"), script, folder=tmp_path / "run", timeout=0.5)


def test_a_live_program_is_handed_over_when_it_is_ready(tmp_path: Path) -> None:
    with hang(
        interpreters.build("release"), CORPUS["healthy_waiting"].path, folder=tmp_path
    ) as process:
        assert process.poll() is None
        assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) == 7
    assert process.poll() is not None


@pytest.mark.parametrize("script", CORPUS.values(), ids=list(CORPUS))
def test_every_script_says_what_is_expected_of_it(script: Script) -> None:
    assert set(script.builds) <= set(interpreters.VARIANTS)
    for build in script.builds:
        expect = script.on(build)
        if script.is_race:
            assert {"object_type", "known"} <= expect.keys()
            assert script.operations or script.expect["outside"]
        elif script.is_healthy:
            assert expect["rule"] == "FT000"
        else:
            assert {"signal", "rule", "known", "threads"} <= expect.keys()
            assert script.operations


def test_a_snapshot_is_a_core_and_the_program_goes_on(tmp_path: Path) -> None:
    with hang(
        interpreters.build("release"), CORPUS["healthy_waiting"].path, folder=tmp_path
    ) as process:
        core = snapshot(process, tmp_path / "core")
        with core.open("rb") as head:
            assert head.read(4) == b"\x7fELF"
        assert process.poll() is None
