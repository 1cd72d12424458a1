"""``gdbext run``: the command does not notice, and a crash is explained."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pexpect
import pytest

import interpreters
from gdbext.reports.formats import FORMATS
from gdbext.reports.json_report import schema
from integration.commandline import GDBEXT, ROOT, environment, gdbext, wait_for
from lab.crash import kernel_writes_cores

COMMAND = " ".join(GDBEXT)
HOST = sys.executable
SEGV = "import ctypes; ctypes.string_at(1)"


@pytest.fixture(scope="session")
def python() -> str:
    return str(interpreters.build("release"))


def run_python(
    python: str, code: str, *options: str, **more: Any
) -> subprocess.CompletedProcess[str]:
    return gdbext("run", *options, "--", python, "-c", code, **more)


def reports(folder: Path) -> dict[str, dict[str, Any]]:
    """The JSON reports in a folder, by process id."""
    found = {}
    for path in folder.glob("crash-*.json"):
        report = json.loads(path.read_text())
        jsonschema.validate(report, schema())
        found[path.stem.removeprefix("crash-")] = report
    return found


# --- the command does not notice -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("shell", "status"),
    [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
        ("kill -HUP $$", 129),
        ("kill -PIPE $$", 141),
    ],
)
def test_exit_status(shell: str, status: int) -> None:
    done = gdbext("run", "--", "sh", "-c", shell)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_what_cannot_be_started(tmp_path: Path) -> None:
    done = gdbext("run", "--", tmp_path / "nothing")
    assert (done.returncode, done.stderr) == (
        127,
        f"gdbext: cannot run {tmp_path}/nothing: No such file or directory\n",
    )
    assert gdbext("run", "--", tmp_path).returncode == 126


def test_words_behind_the_dashes_are_the_commands_own() -> None:
    assert gdbext("run", "--", "echo", "--timeout", "1", "--", "-o").stdout == "--timeout 1 -- -o\n"
    assert gdbext("run", "echo", "--timeout", "1").stdout == "--timeout 1\n"


def test_input_and_output_pass_through() -> None:
    data = "line\n" * 200_000
    done = gdbext("run", "--", "sh", "-c", "cat; echo error >&2", input=data)
    assert (done.stdout, done.stderr) == (data, "error\n")


LOOK = r"""
import json, os, resource, signal, sys
lines = [line.rstrip("\n") for line in open("/proc/self/status")]
status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
print(json.dumps({
    "signals": {key: status[key] for key in ("SigBlk", "SigIgn", "SigCgt", "ShdPnd")},
    "descriptors": sorted(os.listdir("/proc/self/fd")),
    "group": os.getpgrp(), "session": os.getsid(0),
    "scheduler": [os.sched_getscheduler(0), os.nice(0)],
    "affinity": sorted(os.sched_getaffinity(0)),
    "limits": [resource.getrlimit(n) for n in range(16)],
    "environment": dict(os.environ), "folder": os.getcwd(), "argv": sys.argv, "umask": os.umask(0),
}))
"""


def test_command_finds_the_world_as_it_was(python: str) -> None:
    bare = subprocess.run(
        [python, "-c", LOOK, "a"],
        capture_output=True,
        text=True,
        env=environment(),
        stdin=subprocess.DEVNULL,
    )
    traced = gdbext("run", "--", python, "-c", LOOK, "a")
    assert traced.stderr == ""
    before, after = json.loads(bare.stdout), json.loads(traced.stdout)
    for made in (before, after):
        made["environment"].pop("_", None)
    assert after == before


STORM = """
import os, subprocess, sys, threading
def threads():
    for _ in range(100):
        t = threading.Thread(target=int); t.start(); t.join()
workers = [threading.Thread(target=threads) for _ in range(4)]
for w in workers: w.start()
for _ in range(10):
    subprocess.run(["true"], check=True)
    pid = os.fork()
    if pid == 0: os.execvp("sh", ["sh", "-c", "exit 3"])
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
for w in workers: w.join()
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no children left", flush=True)
threading.Thread(target=lambda: os.execvp("sh", ["sh", "-c", "exit 5"])).start()
threading.Event().wait()
"""


def test_threads_forks_and_execs(python: str) -> None:
    done = gdbext("run", "--", python, "-W", "ignore", "-c", STORM)
    assert (done.returncode, done.stdout, done.stderr) == (5, "no children left\n", "")


def test_daemon_lives_on_untraced(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    done = gdbext(
        "run",
        "--",
        "sh",
        "-c",
        f"setsid sh -c 'echo $$ > {note}; exec sleep 600' >/dev/null 2>&1 & sleep 1",
    )
    assert done.returncode == 0
    pid = int(note.read_text())
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        assert "TracerPid:\t0\n" in status
        assert "State:\tS" in status
    finally:
        os.kill(pid, signal.SIGKILL)


def test_debugger_that_the_command_starts_works() -> None:
    gdb = shutil.which("gdb", path=f"{Path(HOST).parent}:{os.environ['PATH']}")
    assert gdb
    done = gdbext("run", "--", gdb, "-nx", "-batch", "-ex", "run", "--args", "sh", "-c", "exit 3")
    assert "exited with code 03" in done.stdout


# --- signals and the terminal --------------------------------------------------------------------

COUNT = """
import signal, sys, time
got = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
    signal.signal(number, lambda n, _: got.append(signal.Signals(n).name))
print("ready", flush=True)
end = time.monotonic() + 20
while not got and time.monotonic() < end: time.sleep(0.02)
time.sleep(0.5)
print(*got, flush=True)
"""


@pytest.fixture
def counting(python: str) -> Any:
    """A command under gdbext, in a process group of its own, that counts its signals."""
    command = [*GDBEXT, "run", "--", python, "-c", COUNT]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(), start_new_session=True
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize(
    ("to", "number"),
    [
        *(
            (to, number)
            for to in (os.kill, os.killpg)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2, signal.SIGHUP)
        ),
        (os.killpg, signal.SIGUSR1),
    ],
)
def test_signal_arrives_once(
    counting: Any, to: Callable[[int, int], None], number: signal.Signals
) -> None:
    to(counting.pid, number)
    assert counting.communicate(timeout=60)[0] == f"{number.name}\n"
    assert counting.returncode == 0


def test_command_dies_with_gdbext(python: str, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    process = subprocess.Popen(
        [*GDBEXT, "run", "--", "sh", "-c", f"echo $$ > {note}; exec sleep 600"], env=environment()
    )
    wait_for(lambda: note.exists() and note.read_text().endswith("\n"))
    process.kill()
    process.wait()
    pid = int(note.read_text())
    wait_for(
        lambda: (
            not Path(f"/proc/{pid}").exists()
            or "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
        )
    )


@pytest.fixture
def shell() -> Any:
    """An interactive shell on a terminal of its own."""
    made = pexpect.spawn(
        "bash",
        ["--norc", "--noprofile", "-i"],
        env=environment(PS1="$ ", TERM="dumb"),
        encoding="utf-8",
        timeout=60,
    )
    made.setecho(False)
    made.sendline("PS1='PROM''PT '")
    made.expect("PROMPT ")
    yield made
    made.close(force=True)


def test_terminal_is_the_commands(shell: Any, python: str) -> None:
    shell.sendline(f"{COMMAND} run -- {python} -q")
    shell.expect(">>> ")
    shell.sendline("import os; print('tty', os.isatty(0), os.tcgetpgrp(0) == os.getpgrp())")
    shell.expect("tty True True")
    shell.sendline("input('name? ')")
    shell.expect(r"name\? ")
    shell.sendline("Ada")
    shell.expect("'Ada'")
    shell.sendline("exit(3)")
    shell.expect("PROMPT ")
    shell.sendline("echo status=$?")
    shell.expect("status=3")


def test_interrupt_key_reaches_the_command_once(shell: Any, python: str) -> None:
    shell.sendline(f"{COMMAND} run -- {python} -q")
    shell.expect(">>> ")
    shell.sendline("import time; time.sleep(60)")
    time.sleep(0.5)
    shell.sendintr()
    shell.expect("KeyboardInterrupt")
    shell.expect(">>> ")
    shell.sendline("print(6 * 7)")
    shell.expect("42")
    shell.sendline("exit()")
    shell.expect("PROMPT ")


def test_stop_key_stops_both_and_fg_wakes_them(shell: Any, python: str) -> None:
    shell.sendline(
        f"{COMMAND} run -- {python} -c \"import time; print('rea' + 'dy', flush=True); "
        "time.sleep(5); print('do' + 'ne')\""
    )
    shell.expect("ready")
    shell.send("\x1a")
    shell.expect("Stopped")
    shell.expect("PROMPT ")
    shell.sendline("jobs -l")
    shell.expect("Stopped")
    shell.expect("PROMPT ")
    shell.sendline("fg")
    shell.expect("done")
    shell.expect("PROMPT ")
    shell.sendline("echo status=$?")
    shell.expect("status=0")


# --- a crash is explained ------------------------------------------------------------------------


def test_crash_is_told_after_the_commands_output(python: str, tmp_path: Path) -> None:
    done = run_python(python, f"print('out', flush=True); {SEGV}", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (139, "out\n")
    assert re.match(
        r"gdbext: process \d+ \(.* died of SIGSEGV\nCPython 3\.13\.5 free-threaded", done.stderr
    )
    assert "SIGSEGV reading 0x1" in done.stderr
    assert "FT404" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"core"}, (
        "only the kernel may leave a core, if limits tell it to"
    )


def test_every_format_from_one_run(python: str, tmp_path: Path) -> None:
    folder = tmp_path / "deep/reports"
    done = run_python(python, SEGV, "--on-crash", str(folder))
    assert done.returncode == 139
    (report,) = reports(folder).values()
    assert report["crash"]["signal"] == "SIGSEGV"
    assert report["target"]["path"] is None
    assert len(list(folder.iterdir())) == len(FORMATS)
    assert all(
        any(path.name.endswith(known.ending) for path in folder.iterdir())
        for known in FORMATS.values()
    )
    assert f"reports in {folder}" in done.stderr


def test_only_the_formats_asked_for(python: str, tmp_path: Path) -> None:
    assert (
        run_python(
            python, SEGV, "--on-crash", str(tmp_path), "--format", "json", "--format", "markdown"
        ).returncode
        == 139
    )
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".md"]


def test_no_folder_without_a_crash(python: str, tmp_path: Path) -> None:
    assert run_python(python, "pass", "--on-crash", str(tmp_path / "reports")).returncode == 0
    assert not (tmp_path / "reports").exists()


def test_kept_core_is_small_and_says_the_same(python: str, tmp_path: Path) -> None:
    done = run_python(python, SEGV, "--on-crash", str(tmp_path), "--format", "json", "--keep-core")
    (report,) = reports(tmp_path).values()
    (kept,) = tmp_path.glob("core.*.gz")
    assert f"core kept as {kept}" in done.stderr
    assert report["target"]["path"] == str(kept)
    assert kept.stat().st_size < 20 << 20
    again = json.loads(gdbext("triage", kept, "--format", "json").stdout)
    for key in ("crash", "findings", "signature", "threads"):
        assert again[key] == report[key]


@pytest.mark.parametrize("limit", [0, -1])
def test_core_limit_does_not_matter(python: str, limit: int, tmp_path: Path) -> None:
    limits = lambda: resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))  # noqa: E731
    if limit == -1 and resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        limits = lambda: None  # noqa: E731
    done = gdbext("run", "--", python, "-c", SEGV, cwd=tmp_path, preexec_fn=limits)
    assert done.returncode == 139
    assert "FT404" in done.stderr
    # A core where the command would have left one by itself, and nowhere else.
    assert len(list(tmp_path.iterdir())) == (1 if limit == -1 and kernel_writes_cores() else 0)


@pytest.mark.parametrize("way", ["import os; os.abort()", SEGV])
def test_handler_of_faulthandler_is_seen_through(python: str, way: str, tmp_path: Path) -> None:
    """The core is of the moment of the fault, not of the second signal that the handler raises when
    it has printed.
    """
    done = run_python(
        python,
        f"import faulthandler; faulthandler.enable(); {way}",
        "--on-crash",
        str(tmp_path),
        "--format",
        "json",
    )
    assert done.stderr.startswith("Fatal Python error: ")
    (report,) = reports(tmp_path).values()
    assert report["crash"]["signal"] == ("SIGABRT" if "abort" in way else "SIGSEGV")
    (thread,) = (thread for thread in report["threads"] if thread["crashed"])
    functions = [frame["function"] or "" for frame in thread["native"]]
    assert not any(
        "faulthandler" in function or "signal handler" in function for function in functions
    )


def test_survived_faults_leave_nothing_behind(python: str, tmp_path: Path) -> None:
    code = """
import ctypes, os, signal
libc = ctypes.CDLL(None)
handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda number: None)
libc.signal(signal.SIGSEGV, handler)
for _ in range(20): os.kill(os.getpid(), signal.SIGSEGV)
libc.signal(signal.SIGABRT, 1)
os.kill(os.getpid(), signal.SIGABRT)
print("alive")
"""
    done = run_python(python, code, env=environment(TMPDIR=str(tmp_path)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")
    assert list(tmp_path.iterdir()) == []


def test_real_crash_after_survived_faults(python: str, tmp_path: Path) -> None:
    code = f"""
import ctypes, os, signal, threading
libc = ctypes.CDLL(None)
handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda number: None)
libc.signal(signal.SIGSEGV, handler)
for _ in range(5): os.kill(os.getpid(), signal.SIGSEGV)
libc.signal(signal.SIGSEGV, None)
def die():
    {SEGV}
t = threading.Thread(target=die, name="dies"); t.start(); t.join()
"""
    assert (
        run_python(python, code, "--on-crash", str(tmp_path), "--format", "json").returncode == 139
    )
    (report,) = reports(tmp_path).values()
    assert [thread["name"] for thread in report["threads"] if thread["crashed"]] == ["dies"]


def test_children_and_grandchildren(python: str, tmp_path: Path) -> None:
    code = f"""
import subprocess, sys
die = {SEGV!r}
print(subprocess.run([sys.executable, "-c", die]).returncode)
shell = ["sh", "-c", sys.executable + " -c '" + die + "'; exit 4"]
print(subprocess.run(shell, stderr=subprocess.DEVNULL).returncode)
import multiprocessing, ctypes
p = multiprocessing.get_context("fork").Process(target=ctypes.string_at, args=(1,))
p.start(); p.join(); print(p.exitcode)
sys.exit(5)
"""
    done = run_python(python, code, "--on-crash", str(tmp_path), "--format", "json")
    assert (done.returncode, done.stdout) == (5, "-11\n4\n-11\n")
    assert len(reports(tmp_path)) == 3
    assert done.stderr.count("died of SIGSEGV") == 3


def test_two_threads_that_fault_at_once_are_one_crash(python: str, tmp_path: Path) -> None:
    code = """
import ctypes, faulthandler, threading
faulthandler.enable()
barrier = threading.Barrier(6)
def die():
    barrier.wait(); ctypes.string_at(1)
for n in range(6): threading.Thread(target=die).start()
"""
    done = run_python(python, code, "--on-crash", str(tmp_path), "--format", "json")
    assert done.returncode == 139
    (report,) = reports(tmp_path).values()
    assert sum(thread["crashed"] for thread in report["threads"]) == 1
    assert len(report["threads"]) >= 6


def test_what_dies_and_is_no_python_is_said_in_a_line() -> None:
    done = gdbext("run", "--", "sh", "-c", "kill -SEGV $$")
    assert done.returncode == 139
    assert len(done.stderr.splitlines()) == 2
    assert "died of SIGSEGV" in done.stderr
    assert "no CPython" in done.stderr


def test_github_gets_its_summary_and_annotations(python: str, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    env = environment(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    done = run_python(python, SEGV, "--on-crash", str(tmp_path / "reports"), env=env)
    assert done.stdout == ""
    assert summary.read_text().startswith("before\n")
    assert "FT404" in summary.read_text()
    assert re.search(r"^::(error|warning|notice) ", done.stderr, re.MULTILINE)


def test_missing_debugger_does_not_cost_the_command_its_status(python: str) -> None:
    done = run_python(python, SEGV, env=environment(GDBEXT_GDB="/nonexistent"))
    assert done.returncode == 139
    assert "cannot start /nonexistent" in done.stderr


# --- hangs ---------------------------------------------------------------------------------------

DEADLOCK = """
import threading
a, b = threading.Lock(), threading.Lock()
first, second = threading.Event(), threading.Event()
def take(one, other, mine, theirs):
    with one:
        mine.set(); theirs.wait()
        with other: pass
threads = [threading.Thread(target=take, args=args, name=name) for name, args in
           {"ab": (a, b, first, second), "ba": (b, a, second, first)}.items()]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_hang_is_diagnosed_and_ended(python: str, tmp_path: Path) -> None:
    done = run_python(
        python, DEADLOCK, "--timeout", "3", "--on-crash", str(tmp_path), "--format", "json"
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert "over its time of 3 s" in done.stderr
    assert "had not ended after 3 s" in done.stderr
    (report,) = reports(tmp_path).values()
    assert report["crash"] is None
    assert report["target"]["over_time"] == 3
    assert report["findings"][0]["rule"] == "FT303"
    assert {"ab", "ba", "MainThread"} <= {thread["name"] for thread in report["threads"]}


def test_work_that_goes_on_for_too_long_is_not_called_well(python: str, tmp_path: Path) -> None:
    code = "while True: pass"
    done = run_python(
        python, code, "--timeout", "1", "--on-crash", str(tmp_path), "--format", "json"
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert "stopped: it had not ended after 1 s" in done.stderr
    (report,) = reports(tmp_path).values()
    jsonschema.validate(report, schema())
    (finding,) = report["findings"]
    assert (finding["rule"], finding["kind"]) == ("FT000", "unknown")
    assert "1 thread is running" in finding["title"]


def test_a_signal_makes_it_look_at_a_hang_and_the_command_goes_on(
    python: str, tmp_path: Path
) -> None:
    reports_in = tmp_path / "reports"
    command = [
        *GDBEXT,
        "run",
        "--on-crash",
        str(reports_in),
        "--format",
        "json",
        "--",
        "sh",
        "-c",
        '"$0" -c "$1"; exit 3',
    ]
    code = f"print('ready', flush=True)\n{DEADLOCK}"
    env = environment(TMPDIR=str(tmp_path))
    with subprocess.Popen(
        [*command, python, code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        assert process.stdout
        assert process.stderr
        try:
            assert process.stdout.readline() == "ready\n"
            assert not list(tmp_path.iterdir()), "nothing has happened yet, and there is a folder"
            time.sleep(1)
            (hanging,) = python_below(process.pid)
            told = gdbext("attach", hanging)
            assert told.returncode == 3
            order = re.search(
                r"which can look at it while it goes on: (kill -USR1 (\d+))$", told.stderr.strip()
            )
            assert order
            assert int(order[2]) == process.pid
            for number in (1, 2):
                subprocess.run(order[1].split(), check=True)
                said = ""
                while "reports in" not in said:
                    said += process.stderr.readline()
                assert re.search(rf"^gdbext: process {hanging} \(.*\) goes on$", said, re.MULTILINE)
                assert "FT303 deadlock" in said
                report = json.loads((reports_in / f"look-{hanging}.{number}.json").read_text())
                jsonschema.validate(report, schema())
                assert report["findings"][0]["rule"] == "FT303"
                assert process.poll() is None
            os.kill(hanging, signal.SIGKILL)
            assert process.wait(60) == 3
        finally:
            process.kill()
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def python_below(pid: int) -> list[int]:
    """The processes that a process's child has started."""
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [
        int(word)
        for child in children
        for word in Path(f"/proc/{child}/task/{child}/children").read_text().split()
    ]


def test_hang_in_a_child_is_diagnosed(python: str, tmp_path: Path) -> None:
    script = tmp_path / "hang.py"
    script.write_text(DEADLOCK)
    done = gdbext(
        "run",
        "--timeout",
        "3",
        "--on-crash",
        tmp_path,
        "--format",
        "json",
        "--",
        "sh",
        "-c",
        f"{python} {script}; exit 0",
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert len(reports(tmp_path)) == 1


def test_command_that_ignores_its_end_is_killed(python: str) -> None:
    done = gdbext(
        "run", "--timeout", "1", "--", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"
    )
    assert done.returncode == 128 + signal.SIGKILL


def test_quick_command_has_no_timeout() -> None:
    assert gdbext("run", "--timeout", "600", "--", "true").returncode == 0


# --- where tracing is not possible ---------------------------------------------------------------

HOLD = """
import os, sys
from gdbext.tracing import ptrace
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    os.read(read, 1); os.execv(sys.argv[1], sys.argv[1:])
ptrace.seize(pid)
os.write(write, b"x")
while True:
    task, status = os.waitpid(-1, ptrace.WALL)
    if os.WIFSTOPPED(status):
        try: ptrace.resume(task, 0 if ptrace.event(status) else os.WSTOPSIG(status))
        except ProcessLookupError: pass
    elif task == pid:
        os._exit(os.waitstatus_to_exitcode(status))
"""


def run_traced_already(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run gdbext under a tracer, which then holds all its children too."""
    holder = [HOST, "-c", HOLD, *GDBEXT, *words]
    return subprocess.run(
        holder, capture_output=True, text=True, env=environment(), timeout=180, **options
    )


def test_without_tracing_all_goes_on_in_silence() -> None:
    done = run_traced_already("run", "--", "sh", "-c", "echo out; exit 6")
    assert (done.returncode, done.stdout, done.stderr) == (6, "out\n", "")


def test_without_tracing_the_kernels_core_is_used(python: str, tmp_path: Path) -> None:
    done = run_traced_already("run", "--", python, "-c", SEGV, cwd=tmp_path)
    assert done.returncode == 139
    assert "died of SIGSEGV" in done.stderr
    if kernel_writes_cores():
        assert "FT404" in done.stderr
    else:
        assert "cannot be traced" in done.stderr


def test_without_tracing_and_cores_the_reasons_are_said(python: str, tmp_path: Path) -> None:
    limits = lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # noqa: E731
    done = run_traced_already("run", "--", python, "-c", SEGV, cwd=tmp_path, preexec_fn=limits)
    assert done.returncode == 139
    assert "gdbext itself is being traced, by process" in done.stderr
    assert "`ulimit -c` is 0" in done.stderr
    assert "gdbext doctor" in done.stderr


def test_gdbext_in_gdbext(python: str) -> None:
    done = gdbext("run", "--", *GDBEXT, "run", "--", python, "-c", "import sys; sys.exit(9)")
    assert (done.returncode, done.stderr) == (9, "")


# --- pytest --------------------------------------------------------------------------------------

SUITE = """
import ctypes, threading, time

def test_fine(): pass

def test_leaks_a_thread():
    threading.Thread(target=time.sleep, args=(600,), name="leaked", daemon=True).start()

def test_dies():
    threading.Thread(target=time.sleep, args=(600,), name="helper", daemon=True).start()
    ctypes.string_at(1)

def test_after(): pass
"""
PURE = (
    "pytest",
    "_pytest",
    "py.py",
    "pluggy",
    "iniconfig",
    "packaging",
    "pygments",
    "xdist",
    "execnet",
)


@pytest.fixture
def suite(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder with a test suite that dies, and the environment that gives the lab's interpreter
    this environment's pytest.
    """
    site = tmp_path / "site"
    site.mkdir()
    libraries = Path(pytest.__file__).parents[1]
    wanted = [libraries / name for name in PURE] + [
        p for p in libraries.glob("*.dist-info") if p.name.startswith(("pytest_xdist", "execnet"))
    ]
    for path in (*wanted, ROOT / "gdbext"):
        (site / path.name).symlink_to(path)
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "test_suite.py").write_text(SUITE)
    return folder, environment(PYTHONPATH=str(site))


PLUGIN = ("-m", "pytest", "-q", "-p", "gdbext.pytest_plugin", "--gdbext", "-p", "no:cacheprovider")


# gdbext in a world where cores go elsewhere: what it reads of core_pattern is another, and the
# limit sees to it that none comes.
ELSEWHERE = """
import sys
from gdbext.tracing import kernel_cores
kernel_cores.PATTERN = {pattern!r}
from gdbext.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("world", ["as it is", "|/bin/false", "ulimit -c 0"])
def test_pytest_dies(
    world: str, python: str, suite: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    folder, env = suite
    command: list[str] = GDBEXT
    if world == "|/bin/false":
        (tmp_path / "core_pattern").write_text(f"{world}\n")
        command = [
            HOST,
            "-c",
            ELSEWHERE.format(pattern=str(tmp_path / "core_pattern")),
        ]
    limits = (
        None if world == "as it is" else lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    )
    words = [*command, "run", "--on-crash", str(tmp_path / "reports"), "--", python, *PLUGIN]
    done = subprocess.run(
        words, env=env, cwd=folder, capture_output=True, text=True, timeout=180, preexec_fn=limits
    )
    assert done.returncode == 139
    if limits:
        assert not list(folder.glob("core*"))
    assert "Fatal Python error: Segmentation fault" in done.stderr
    (report,) = reports(tmp_path / "reports").values()
    check_tests(report)
    assert len(list((tmp_path / "reports").iterdir())) == len(FORMATS)


def test_pytest_worker_dies(
    python: str, suite: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    folder, env = suite
    command = [
        "run",
        "--on-crash",
        tmp_path / "reports",
        "--format",
        "json",
        "--",
        python,
        *PLUGIN,
        "-n",
        "1",
    ]
    done = gdbext(*command, env=env, cwd=folder)
    assert done.returncode == 1
    assert "crashed while running 'test_suite.py::test_dies'" in done.stdout
    (report,) = reports(tmp_path / "reports").values()
    check_tests(report)


def check_tests(report: dict[str, Any]) -> None:
    tests = {thread["name"]: thread["test"] for thread in report["threads"]}
    assert tests["MainThread"] == "test_suite.py::test_dies (call)"
    assert tests["helper"] == "test_suite.py::test_dies (thread)"
    assert tests["leaked"] == "test_suite.py::test_leaks_a_thread (thread)"


def test_plugin_is_off_unless_asked_for(python: str, suite: tuple[Path, dict[str, str]]) -> None:
    folder, env = suite
    (folder / "test_suite.py").write_text(
        "import gdbext.pytest_plugin as plugin, threading, time\ndef test_nothing():\n"
        "    assert plugin.RUNNING == {} and threading.Thread.start.__module__ == 'threading'\n"
    )
    words = [word for word in PLUGIN if word != "--gdbext"]
    done = subprocess.run([python, *words], env=env, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# --- when gdbext itself fails --------------------------------------------------------------------

SABOTAGE = """
import sys
from gdbext.tracing import tracer
def fail(*_): raise RuntimeError("sabotage")
tracer.{what} = fail
from gdbext.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("what", ["write_core", "proc.status", "Tracer._write", "Tracer._executed"])
def test_defect_of_ours_costs_the_command_nothing(python: str, what: str) -> None:
    code = f"""
import subprocess, threading, time
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
print(subprocess.run(["sh", "-c", "exit 3"]).returncode, flush=True)
{SEGV}
"""
    command = [
        HOST,
        "-c",
        SABOTAGE.format(what=what),
        "run",
        "--",
        python,
        "-c",
        code,
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=120)
    assert (done.returncode, done.stdout) == (139, "3\n")
    assert (
        "internal error, the command goes on without gdbext: RuntimeError: sabotage" in done.stderr
    )
    assert "Traceback" not in done.stderr


def test_diagnosis_can_be_interrupted(python: str, tmp_path: Path) -> None:
    slow = tmp_path / "gdb"
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o755)
    command = [*GDBEXT, "run", "--", python, "-c", f"print('ready', flush=True); {SEGV}"]
    env = environment(GDBEXT_GDB=str(slow))
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    time.sleep(2)
    assert process.poll() is None
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 139
    assert "the diagnosis was interrupted" in said


def test_nobody_reads_the_report(python: str) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*GDBEXT, "run", "--", python, "-c", SEGV], stderr=write, env=environment(), timeout=120
    )
    os.close(write)
    assert done.returncode == 139
