"""``gdbext hunt``: a command that dies again and again, and what its deaths agree on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import interpreters
from gdbext.backends.host import WHEEL_VARIABLES
from gdbext.cli.blame_runs import record
from gdbext.reports.json_report import schema
from integration.commandline import GDBEXT, environment, gdbext
from lab.crash import debugger
from lab.extensions import built, extensions
from lab.script import CORPUS, Script

ROOT = Path(__file__).parents[2]

SEGV = "import ctypes; ctypes.string_at(1)"


@pytest.fixture(scope="session")
def python() -> str:
    return str(interpreters.build("release"))


def hunt(*words: object, folder: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return gdbext("hunt", *words, cwd=folder, timeout=280, **more)


@pytest.mark.parametrize("name", ["race_namespace", "race_bytearray"])
def test_a_race_that_dies_again_and_again(name: str, python: str, tmp_path: Path) -> None:
    script = Script(CORPUS / f"{name}.py")
    done = hunt(
        "--deaths",
        4,
        "--jobs",
        2,
        "--chaos",
        "-o",
        "race.json",
        "--",
        python,
        script.path,
        folder=tmp_path,
    )
    assert done.returncode == 1, done.stderr
    report = json.loads((tmp_path / "race.json").read_text())
    jsonschema.validate(report, schema())
    agreed = report["consensus"]
    assert agreed["deaths"] >= 4
    assert agreed["object_type"] == script.expect["object_type"]
    for line in agreed["lines"][:2]:
        assert script.operations[line["line"]].says(line["operation"])
    conditions = {c["text"] for c in agreed["conditions"]}
    assert {"as it is", "random pauses", "PYTHONMALLOC=debug"} <= conditions
    assert not list(tmp_path.glob("gdbext-*"))


def test_cores_are_kept_beside_the_reports(python: str, tmp_path: Path) -> None:
    command = ("--keep-core", "--", python, "-c", SEGV)
    done = hunt("--until-crash", "--on-crash", "kept", *command, folder=tmp_path)
    assert done.returncode == 1, done.stderr
    (core,) = (tmp_path / "kept/run-1").glob("core.*.gz")
    again = gdbext("triage", core, "--format", "json", timeout=60)
    (report,) = (tmp_path / "kept/run-1").glob("crash-*.json")
    assert json.loads(again.stdout)["signature"] == json.loads(report.read_text())["signature"]


def test_cores_are_kept_only_in_a_folder(python: str, tmp_path: Path) -> None:
    done = hunt("--keep-core", "--", python, "-c", SEGV, folder=tmp_path)
    assert done.returncode == 2
    assert "--keep-core needs --on-crash DIR" in done.stderr


def test_nothing_dies(python: str, tmp_path: Path) -> None:
    done = hunt("--runs", 3, "--", python, "-c", "print(1)", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "3 runs, 0 deaths" in done.stderr


def test_two_defects_are_two_reports(python: str, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    code = (
        "import ctypes, os, pathlib\n"
        f"flag = pathlib.Path({str(flag)!r})\n"
        "if flag.exists(): os.abort()\n"
        "flag.touch(); ctypes.string_at(1)"
    )
    done = hunt(
        "--deaths",
        2,
        "--jobs",
        1,
        "--as-is",
        "-o",
        "out.json",
        "--",
        python,
        "-c",
        code,
        folder=tmp_path,
    )
    assert done.returncode == 1, done.stderr
    signals = {
        json.loads((tmp_path / name).read_text())["crash"]["signal"]
        for name in ("out.json", "out-2.json")
    }
    assert signals == {"SIGSEGV", "SIGABRT"}
    assert "2 defects" in done.stderr


def test_what_only_takes_long_is_no_death(python: str, tmp_path: Path) -> None:
    done = hunt(
        "--runs", "1", "--run-time", "1", "--", python, "-c", "while True: pass", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "1 run (1 stopped: over the time that --run-time gives), 0 deaths" in done.stderr


def test_every_run_fails_without_a_crash(tmp_path: Path) -> None:
    done = hunt("--runs", 2, "--", "sh", "-c", "echo no such test; exit 4", folder=tmp_path)
    assert done.returncode == 0
    assert "the last with 4: no such test" in done.stderr


def test_what_cannot_be_started_is_not_tried_again(tmp_path: Path) -> None:
    done = hunt("--", "no-such-program", folder=tmp_path)
    assert "cannot be started" in done.stderr
    assert "1 run," in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_concludes_from_what_there_is(
    python: str, tmp_path: Path, number: signal.Signals
) -> None:
    flag = tmp_path / "flag"
    code = (
        "import ctypes, pathlib, time\n"
        f"flag = pathlib.Path({str(flag)!r})\n"
        "if flag.exists(): flag.with_name('second').touch(); time.sleep(600)\n"
        "flag.touch(); ctypes.string_at(1)"
    )
    options = ["--jobs", "1", "-o", "race.txt", "--on-crash", "runs"]
    command = [*GDBEXT, "hunt", *options, "--", python, "-c", code]
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd=tmp_path,
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "second").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    running.send_signal(number)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 1, err
    assert "in 1 run" in (tmp_path / "race.txt").read_text()
    assert "gdbext: written: race.txt\n" in err
    assert "gdbext: each run's reports and output are in runs\n" in err
    left = subprocess.run(["pgrep", "-f", str(flag)], capture_output=True, text=True)
    assert left.stdout == ""


# --- git bisect ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def crash_report(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bisect")
    done = hunt("--until-crash", "-o", "crash.json", "--", python, "-c", SEGV, folder=folder)
    assert done.returncode == 1, done.stderr
    return folder / "crash.json"


def bisected(report: object, folder: Path, *command: object) -> int:
    return hunt("--runs", 2, "--bisect", report, "--", *command, folder=folder).returncode


def test_the_same_crash_is_bad(crash_report: Path, python: str, tmp_path: Path) -> None:
    assert bisected(crash_report, tmp_path, python, "-c", SEGV) == 1
    identity = json.loads(crash_report.read_text())["signature"]["id"]
    assert bisected(identity, tmp_path, python, "-c", SEGV) == 1


def test_no_crash_is_good(crash_report: Path, python: str, tmp_path: Path) -> None:
    assert bisected(crash_report, tmp_path, python, "-c", "pass") == 0


def test_what_cannot_be_judged_is_skipped(crash_report: Path, python: str, tmp_path: Path) -> None:
    assert bisected(crash_report, tmp_path, python, "-c", "import os; os.abort()") == 125
    assert bisected(crash_report, tmp_path, "no-such-program") == 125


def test_any_crash_is_bad_where_none_is_named(python: str, tmp_path: Path) -> None:
    done = hunt(
        "--runs", 1, "--bisect", "--", python, "-c", "import os; os.abort()", folder=tmp_path
    )
    assert done.returncode == 1


def test_git_bisect_finds_the_commit(python: str, tmp_path: Path) -> None:
    def git(*words: str) -> str:
        config = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        done = subprocess.run(
            ["git", *config, *words], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout

    git("init", "-q")
    for number in range(4):
        (tmp_path / "program.py").write_text(f"# {number}\n{SEGV if number >= 2 else 'pass'}\n")
        git("add", "program.py")
        git("commit", "-qm", f"change {number}")
    git("bisect", "start", "HEAD", "HEAD~3")
    words = [sys.executable, "-m", "gdbext", "hunt", "--runs", "1", "--as-is", "--bisect", "--"]
    done = subprocess.run(
        ["git", "bisect", "run", *words, python, "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**environment(), "HOME": os.environ["HOME"]},
    )
    assert "first bad commit" in done.stdout
    assert "change 2" in done.stdout


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "hunt what?"),
        (("--bisect", "nothing.json", "--", "true"), "there is no nothing.json"),
        (("--deaths", "0", "--", "true"), "at least 1"),
        (("-o", "x.unknown", "--", "true"), "which format"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    done = hunt(*words, folder=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr


def unfixed() -> tuple[str, Script]:
    """An interpreter with the founding crash, and the script in which it always dies of it."""
    return str(interpreters.build("release-unfixed")), Script(CORPUS / "list_union_freed.py")


def freeing_line(script: Script) -> int:
    return next(line for line, done in script.operations.items() if done.name == "clear")


def test_blame_names_who_freed_the_object(tmp_path: Path) -> None:
    python, script = unfixed()
    words = ("--until-crash", "--as-is", "--blame", "-o", "race.json", "--", python, script.path)
    done = hunt(*words, folder=tmp_path)
    assert done.returncode == 1, done.stderr
    report = json.loads((tmp_path / "race.json").read_text())
    jsonschema.validate(report, schema())
    blame = report["consensus"]["blame"]
    assert blame["deaths"] >= 1, blame["note"]
    freed = next(one for one in blame["freeings"] if one["how"] == "the subject")
    assert (freed["type"], freed["name"]) == ("types.UnionType", "MainThread")
    assert freed["line"] == freeing_line(script)
    assert "list_clear_impl" in freed["native"]
    assert "noted the calls itself" in blame["note"], blame["breakpoints"]
    assert not freed["is_emptied"]


def test_blame_of_an_object_that_an_extension_has_borrowed(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that stops only where the object is still whole kills no reader."""
    script = tmp_path / "borrowed.py"
    script.write_text(
        "import threading, static_borrowed\n"
        "def make():\n"
        "    while True:\n"
        "        static_borrowed.Entry()\n"
        "def look():\n"
        "    while True:\n"
        "        len(static_borrowed.recent_label() or '')\n"
        "for run in (make, make, look):\n"
        "    threading.Thread(target=run, name=run.__name__).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(built(extensions()["static_borrowed"])))
    found = record([python, str(script)], ["static_borrowed.Entry"], [], 20.0, str(tmp_path))
    freed = next((one for one in found.freeings if one.how == "the subject"), None)
    assert freed is not None, found
    assert (freed.name, freed.line, freed.is_emptied) == ("make", 4, False)
    assert "entry_dealloc" in freed.native


def test_blame_of_what_does_not_die_says_so(python: str, tmp_path: Path) -> None:
    """The types come from a death; under gdb nothing dies of itself."""
    script = tmp_path / "calm.py"
    script.write_text(
        "import threading\n"
        "thread = threading.Thread(target=[1].clear)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    found = record([python, str(script)], ["list"], [], 30.0, str(tmp_path), runs=1)
    assert (found.deaths, found.freeings) == (0, ())
    assert "does not die" in found.note
    none = record([python, str(script)], ["no.Such"], [], 30.0, str(tmp_path), runs=1)
    assert "no.Such" in none.note or "ended" in none.note


def test_ft_blame_in_gdb(tmp_path: Path) -> None:
    python, script = unfixed()
    steps = (
        "set debuginfod enabled off",
        "set auto-load no",
        *(f"unset environment {name}" for name in WHEEL_VARIABLES),
        f"source {ROOT / 'gdbext' / 'gdbinit.py'}",
        "set breakpoint pending on",
        "tbreak thread_run",
        f"run {script.path}",
        "ft blame types.UnionType list",
        # It goes on no more.
        "ft blame types.UnionType list",
    )
    command = [debugger("gdb"), "-nx", "-batch"]
    command += [word for step in steps for word in ("-ex", step)]
    done = subprocess.run(
        [*command, python], cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False
    )
    told = [line for line in done.stdout.splitlines() if "freed by thread" in line]
    assert told, done.stdout + done.stderr
    assert "types.UnionType, the subject" in told[0]
    assert f"list_union_freed.py:{freeing_line(script)}" in told[0]
    assert "the process is dying of SIGSEGV already" in done.stdout + done.stderr
