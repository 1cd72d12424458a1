"""``gdbext triage``, ``attach`` and ``batch`` on real cores and processes."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import interpreters
from gdbext.reports.formats import FORMATS
from gdbext.reports.json_report import schema
from gdbext.tracing import keep, live, proc
from integration.commandline import environment, gdbext, wait_for
from lab import Lab, corpus, hang

ABORT = ("release", "os_abort")
TRAP = "raise SystemExit('code of the target was run')"


@pytest.fixture
def core(lab: Lab) -> Path:
    return lab.crash(*ABORT).core


def report_of(text: str) -> dict[str, Any]:
    report = json.loads(text)
    assert isinstance(report, dict)
    jsonschema.validate(report, schema())
    return report


# --- triage --------------------------------------------------------------------------------------


def test_text_is_the_answer(core: Path) -> None:
    done = gdbext("triage", core)
    assert (done.returncode, done.stderr) == (0, "")
    assert "SIGABRT" in done.stdout
    assert "FT405" in done.stdout
    assert "\x1b" not in done.stdout


def test_json_alone_is_on_stdout(core: Path) -> None:
    done = gdbext("triage", core, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    report = report_of(done.stdout)
    assert report["target"]["path"] == str(core)
    assert report["crash"]["signal"] == "SIGABRT"
    assert report["findings"][0]["rule"] == "FT405"


def test_every_format_from_one_run(core: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / f"crash{known.ending}" for name, known in FORMATS.items()}
    words = [word for name, file in files.items() for word in ("--format", name, "-o", str(file))]
    done = gdbext("triage", core, *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    report_of(files["json"].read_text())
    for name, file in files.items():
        assert file.stat().st_size, name


def test_colours_when_asked_for(core: Path) -> None:
    assert "\x1b[" in gdbext("triage", core, "--color", "always").stdout


def test_both_debuggers_say_the_same(core: Path) -> None:
    reports = [
        report_of(gdbext("triage", core, "--debugger", name, "--format", "json").stdout)
        for name in ("gdb", "lldb")
    ]
    assert reports[0]["tool"]["debugger"].startswith("gdb ")
    assert reports[1]["tool"]["debugger"].startswith("lldb ")
    for key in ("crash", "findings", "signature"):
        assert reports[0][key] == reports[1][key]


@pytest.mark.parametrize("tool", ["zstd", "lz4", "xz", "gzip"])
def test_compressed_core_is_read_as_it_is(core: Path, tool: str, tmp_path: Path) -> None:
    packed = tmp_path / f"core.{tool}"
    if tool == "gzip":
        keep.compress(str(core), str(packed))
    else:
        with packed.open("wb") as stream:
            subprocess.run(
                [shutil.which(tool) or pytest.fail(f"no {tool}"), "-qc1", str(core)],
                check=True,
                stdout=stream,
            )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = gdbext("triage", packed, "--format", "json", env=environment(TMPDIR=str(scratch)))
    assert (done.returncode, done.stderr) == (0, "")
    report = report_of(done.stdout)
    assert report["target"]["path"] == str(packed)
    assert report["findings"][0]["rule"] == "FT405"
    assert list(scratch.iterdir()) == []


def test_paths_with_odd_characters(core: Path, tmp_path: Path) -> None:
    odd = tmp_path / 'it\'s a "core" $(touch x) \\ ü.core'
    odd.symlink_to(core)
    for debugger in ("gdb", "lldb"):
        done = gdbext("triage", odd, "--debugger", debugger, "--format", "json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert report_of(done.stdout)["target"]["path"] == str(odd)


def test_nothing_of_the_target_is_run(core: Path, tmp_path: Path) -> None:
    """A folder full of traps: start-up files of debuggers, and modules named like ours and
    Python's.
    """
    home = tmp_path / "home"
    home.mkdir()
    for name in (
        ".gdbinit",
        ".lldbinit",
        "home/.gdbinit",
        "home/.lldbinit",
        "core-gdb.gdb",
        "core-gdb.py",
    ):
        (tmp_path / name).write_text(
            f"shell touch {tmp_path}/trapped\nplatform shell touch {tmp_path}/trapped\n"
        )
    for name in (
        "gdb",
        "lldb",
        "json",
        "argparse",
        "gdbext",
        "encodings",
        "sitecustomize",
        "pygments",
    ):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'trapped')!r}, 'w')\n{TRAP}\n")
    (tmp_path / "core").symlink_to(core)
    script = Path(sys.executable).with_name("gdbext")
    for debugger in ("gdb", "lldb"):
        done = subprocess.run(
            [script, "triage", "core", "--debugger", debugger],
            cwd=tmp_path,
            env=environment(HOME=str(home), GDBEXT_CACHE=str(interpreters.cache_dir())),
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        assert "FT405" in done.stdout
    assert not (tmp_path / "trapped").exists()


def test_wrong_executable_is_refused(core: Path) -> None:
    done = gdbext("triage", core, "--exe", interpreters.build("debug"))
    assert done.returncode == 3
    assert "did not make" in done.stderr
    assert "build id" in done.stderr
    assert done.stdout == ""


def test_right_executable_may_be_given(core: Path) -> None:
    assert gdbext("triage", core, "--exe", interpreters.build("release")).returncode == 0


def test_truncated_core_is_diagnosed_in_part_or_refused_with_the_reason(
    core: Path, tmp_path: Path
) -> None:
    size = core.stat().st_size
    for keeping in (size - 4096, size // 2, 200_000, 5_000):
        cut = tmp_path / f"cut.{keeping}"
        subprocess.run(["cp", "--sparse=always", str(core), str(cut)], check=True)
        os.truncate(cut, keeping)
        done = gdbext("triage", cut, "--format", "json")
        assert done.returncode in (3, 4), done.stderr
        assert "truncated" in done.stderr
        if done.returncode == 4:
            assert any(
                "truncated" in error["message"] for error in report_of(done.stdout)["errors"]
            )
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["/bin/sleep", "600"], "no CPython in this target"),
        ([sys.executable, "-c", "import time; time.sleep(600)"], "older than 3.13|GIL|no CPython"),
    ],
)
def test_what_is_no_free_threaded_python_is_said_in_a_line(
    command: list[str], message: str, tmp_path: Path
) -> None:
    process = subprocess.Popen(command)
    try:
        time.sleep(1)
        live.snapshot(process.pid, str(tmp_path / "core"))
    finally:
        process.kill()
        process.wait()
    done = gdbext("triage", tmp_path / "core")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert pytest.importorskip("re").search(message, done.stderr), done.stderr


def test_redacted_report_has_no_values(lab: Lab) -> None:
    core = lab.crash("release", "list_item_decref").core
    plain, redacted = (
        gdbext("triage", core, "--format", "json", *more).stdout for more in ((), ("--redact",))
    )
    assert report_of(plain)["signature"] == report_of(redacted)["signature"]
    assert report_of(plain) != report_of(redacted)


def test_report_that_cannot_be_written_does_not_cost_the_others(core: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = gdbext("triage", core, "-o", tmp_path / "file/x.json", "-o", tmp_path / "good.json")
    assert done.returncode == 4
    assert f"cannot write {tmp_path}/file/x.json" in done.stderr
    report_of((tmp_path / "good.json").read_text())


def test_debugger_that_fails_is_told_with_its_last_words(core: Path, tmp_path: Path) -> None:
    broken = tmp_path / "gdb"
    broken.write_text("#!/bin/sh\necho something is wrong >&2; exit 1\n")
    broken.chmod(0o755)
    done = gdbext("triage", core, env=environment(GDBEXT_GDB=str(broken)))
    assert done.returncode == 3
    assert f"{broken} ended with status 1" in done.stderr
    assert "something is wrong" in done.stderr
    assert "--debugger drgn" in done.stderr


def test_reader_that_goes_away_is_no_drama(core: Path) -> None:
    shell = f"set -o pipefail; {sys.executable} -m gdbext triage {core} --verbose | head -1"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, env=environment(), timeout=180
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.count("\n") == 1


# --- attach --------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("--debugger", "gdb"), ("--debugger", "lldb"), ("--snapshot",)])
def test_attach_leaves_a_healthy_process_healthy(words: tuple[str, ...], tmp_path: Path) -> None:
    script = next(script for script in corpus().values() if script.is_healthy)
    build = script.builds[0]
    with hang(interpreters.build(build), script.path, folder=tmp_path) as process:
        before = cpu_ticks(process.pid)
        done = gdbext("attach", process.pid, *words, "--format", "json")
        assert done.returncode == 0, done.stderr
        report = report_of(done.stdout)
        assert report["target"]["kind"] == "live"
        assert report["target"]["path"] is None
        assert report["findings"][0]["rule"] == "FT000"
        time.sleep(1)
        assert process.poll() is None
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "TracerPid:\t0\n" in status
        assert "State:\tT" not in status
        assert "State:\tt" not in status
        assert cpu_ticks(process.pid) >= before


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_attach_says_who_traces_already(tmp_path: Path) -> None:
    sleeper = subprocess.Popen(
        [*[sys.executable, "-m", "gdbext"], "run", "--", "sleep", "600"], env=environment()
    )
    try:
        children = Path(f"/proc/{sleeper.pid}/task/{sleeper.pid}/children")
        wait_for(lambda: "sleep" in [proc.name(int(pid)) for pid in children.read_text().split()])
        done = gdbext("attach", children.read_text().split()[0])
        assert done.returncode == 3
        assert f"kill -USR1 {sleeper.pid}" in done.stderr
    finally:
        sleeper.terminate()
        assert sleeper.wait(30) == 128 + signal.SIGTERM


# --- batch ---------------------------------------------------------------------------------------


@pytest.fixture
def cores(lab: Lab, tmp_path: Path) -> Path:
    """Two deaths of one kind, one of another, a compressed one, and one that is damaged."""
    folder = tmp_path / "cores"
    folder.mkdir()
    abort, null = lab.crash(*ABORT).core, lab.crash("release", "ctypes_null").core
    for source, name in ((abort, "a"), (abort, "b"), (null, "c")):
        subprocess.run(["cp", "--sparse=always", str(source), str(folder / name)], check=True)
    keep.compress(str(null), str(folder / "d.gz"))
    with abort.open("rb") as stream:  # most of the rest, a gigabyte, is a hole
        (folder / "e").write_bytes(stream.read(4096))
    (folder / "notes.txt").write_text("not a core")
    return folder


def lines(path: Path) -> dict[str, dict[str, Any]]:
    return {
        Path(entry["core"]).name: entry for entry in map(json.loads, path.read_text().splitlines())
    }


def test_batch_groups_equal_crashes(cores: Path, tmp_path: Path) -> None:
    output, markdown, page = tmp_path / "out.jsonl", tmp_path / "o.md", tmp_path / "o.html"
    done = gdbext("batch", cores, "-o", output, "--markdown", markdown, "--html", page, timeout=400)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("5 crashes, 2 groups, 1 not diagnosed\n")
    entries = lines(output)
    assert set(entries) == {"a", "b", "c", "d.gz", "e"}
    assert entries["e"]["report"] is None
    assert "truncated so early" in entries["e"]["error"]
    for name in "ab":
        report_of(json.dumps(entries[name]["report"]))
    marks = {name: entries[name]["report"]["signature"]["id"] for name in ("a", "b", "c", "d.gz")}
    assert marks["a"] == marks["b"] != marks["c"] == marks["d.gz"]
    assert "FT405" in markdown.read_text()
    assert "FT404" in page.read_text()

    # Once more: nothing is left to do.  Then one more core comes.
    again = gdbext("batch", cores, "-o", output)
    assert "5 of 5 cores" in again.stderr
    assert len(output.read_text().splitlines()) == 5
    assert again.stdout == done.stdout
    os.link(cores / "a", cores / "f")
    more = gdbext("batch", cores, "-o", output, "--baseline", output, "--fail-on-new")
    assert (more.returncode, len(output.read_text().splitlines())) == (0, 6)
    assert more.stdout.startswith("6 crashes, 2 groups, 0 new, 1 not diagnosed\n")


def test_batch_tells_new_from_old(cores: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    assert gdbext("batch", cores / "a", "-o", old).returncode == 0
    done = gdbext("batch", cores / "a", cores / "c", "-o", new, "--baseline", old, "--fail-on-new")
    assert done.returncode == 1
    assert done.stdout.startswith("2 crashes, 2 groups, 1 new\n")
    assert next(line for line in done.stdout.splitlines() if "NEW" in line).split()[1] == "FT404"


def test_batch_follows_links_and_counts_each_core_once(cores: Path, tmp_path: Path) -> None:
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "first").symlink_to(cores / "a")
    (folder / "second").symlink_to(cores / "a")
    (folder / "packed").symlink_to(cores / "d.gz")
    (folder / "nowhere").symlink_to(tmp_path / "nothing")
    (folder / "around").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    output = tmp_path / "out.jsonl"
    done = gdbext("batch", folder, folder / "first", "-o", output)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 crashes, 2 groups\n")
    assert set(lines(output)) == {"first", "packed"}


def test_batch_as_json_lines_on_stdout(cores: Path) -> None:
    done = gdbext("batch", cores / "a", "-o", "-")
    assert json.loads(done.stdout)["report"]["findings"][0]["rule"] == "FT405"
    assert "1 crash, 1 group" in done.stderr


def test_batch_interrupted_goes_on_later(cores: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    command = [
        sys.executable,
        "-m",
        "gdbext",
        "batch",
        str(cores),
        "-o",
        str(output),
        "--jobs",
        "1",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    while not output.exists() or not output.read_text().count("\n"):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=180)
    assert process.returncode == 130
    assert "start the same command again to go on" in said
    assert gdbext("batch", cores, "-o", output, timeout=400).stdout.startswith(
        "5 crashes, 2 groups"
    )


def test_batch_progress_on_a_terminal(cores: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    screen = pexpect.spawn(
        sys.executable,
        ["-m", "gdbext", "batch", str(cores / "a"), str(cores / "b")],
        env=environment(TERM="xterm"),
        timeout=180,
    )
    screen.expect("diagnosing")
    screen.expect(r"1 group")
    screen.expect(pexpect.EOF)


def test_gzip_member_files_are_plain_gzip(cores: Path) -> None:
    with gzip.open(cores / "d.gz") as packed:
        assert packed.read(4) == b"\x7fELF"


def test_doctor_on_the_labs_interpreters() -> None:
    states = {}
    for build in ("release", "stripped"):
        done = gdbext("doctor", "--json", "--python", interpreters.build(build))
        assert done.returncode == 0, done.stdout
        states[build] = {check["subject"]: check for check in json.loads(done.stdout)}
        assert "3.13.5 free-threaded" in states[build]["python"]["state"]
        assert states[build]["gdb"]["sign"] == "ok"
        assert states[build]["build id"]["sign"] == "ok"
    assert states["release"]["symbols"]["sign"] == "ok"
    assert states["stripped"]["symbols"]["sign"] == "lack"
