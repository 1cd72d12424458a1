"""``gdbext doctor``: what this machine lacks for a full diagnosis, what each lack costs, and how to
mend it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

from gdbext.backends import registry
from gdbext.cli import interpreters, parsers
from gdbext.engine import launch
from gdbext.engine.outcome import Failure
from gdbext.reports.options import wants_color

GOOD, LACK, FAULT = "✓", "!", "✗"
SIGNS = {GOOD: "ok", LACK: "lack", FAULT: "missing"}
NOT_FOUND = "not found"
COLORS = {GOOD: "32", LACK: "33", FAULT: "31"}
HELP = """\
Every line is one thing that gdbext uses. Where something is missing, the line
below says what that costs and how to mend it.

exit status:
  0  gdbext can work here (perhaps with less than everything)
  1  it cannot: there is no debugger, or crashes can be neither traced nor
     found as cores
  2  wrong usage
  3  there is no program of the name that --python gives

examples:
  gdbext doctor
  gdbext doctor --python /opt/python3.14t/bin/python3.14t"""
ASK = """
import json, sys, sysconfig
maps = [line.split(None, 5) for line in open("/proc/self/maps")]
print(json.dumps({
    "version": sys.version.split()[0],
    "minor": list(sys.version_info[:2]),
    "path": sys.executable,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "debug": hasattr(sys, "gettotalrefcount"),
    "maps": [words[5].strip() for words in maps if len(words) > 5],
}))
"""


class Check(NamedTuple):
    """One line; ``cost`` and ``mend`` for what is not as it should be."""

    sign: str
    subject: str
    state: str
    cost: str = ""
    mend: str = ""


def parser() -> argparse.ArgumentParser:
    made = parsers.new("doctor", HELP)
    made.add_argument(
        "--python",
        metavar="PYTHON",
        help=(
            "the interpreter to look at (default: $GDBEXT_PYTHON, "
            f"python{', '.join(interpreters.VERSIONS)}, uv's, ours, python3)"
        ),
    )
    made.add_argument("--json", action="store_true", help="as JSON")
    return made


def run(arguments: argparse.Namespace) -> int:
    if arguments.python and not shutil.which(arguments.python):
        raise Failure(f"there is no program {arguments.python}")
    debuggers = [_debugger(name) for name in launch.NAMES]
    if not any(_works(check) for check in debuggers):
        debuggers = [check._replace(sign=FAULT) for check in debuggers]
    ptrace, cores = _ptrace(), _cores()
    found = [
        *debuggers,
        *_questions(),
        ptrace,
        cores,
        *_interpreter(arguments.python),
        *_builds(),
        *_tools(),
        _room(),
    ]
    if arguments.json:
        print(
            json.dumps(
                [{**check._asdict(), "sign": SIGNS[check.sign]} for check in found], indent=2
            )
        )
    else:
        _show(found)
    can_look = any(_works(check) for check in debuggers)
    return 0 if can_look and (ptrace.sign == GOOD or cores.sign == GOOD) else 1


def _works(debugger: Check) -> bool:
    return debugger.sign != FAULT and debugger.state != NOT_FOUND


def _show(checks: list[Check]) -> None:
    colored = wants_color(sys.stdout)
    width = max(len(check.subject) for check in checks)
    for check in checks:
        sign = f"\x1b[{COLORS[check.sign]}m{check.sign}\x1b[0m" if colored else check.sign
        print(f"{sign} {check.subject:<{width}}  {check.state}")
        for word, text in (("costs", check.cost), ("mend", check.mend)):
            if text:
                print(f"  {'':<{width}}  {word}: {text}")


def _debugger(name: str) -> Check:
    launcher = registry.launcher(name)
    install, cost = launcher.INSTALL, launcher.COST
    try:
        found = launch.find(name)
    except launch.LaunchError:
        return Check(LACK, name, NOT_FOUND, cost, install)
    if not found.command:
        try:
            registry.adapter(name)
        except ImportError as error:
            mend = "what it says is lacking, or a wheel of it that fits this system"
            return Check(FAULT, name, f"cannot be loaded: {error}", cost, mend)
        return Check(GOOD, name, f"{importlib.metadata.version(name)}, a library of this Python")
    code = (
        "import sys; print('PY', sys.version_info[0], sys.version_info[1]); import pygments; "
        "print('PYGMENTS')"
    )
    environment = launch.environment(found, {})
    try:
        done = subprocess.run(
            launcher.command_line(found, code),
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        version = subprocess.run(
            [*found.command, "--version"],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(FAULT, name, f"{found.command[0]} does not start: {error}", cost, install)
    shown = (version.stdout.splitlines() or ["?"])[0].strip()
    python = next(
        (line.split()[1:] for line in done.stdout.splitlines() if line.startswith("PY ")), None
    )
    if python is None:
        return Check(FAULT, name, f"{shown}, without Python", "gdbext cannot run in it", install)
    if [int(n) for n in python] < [3, 10]:
        return Check(
            FAULT, name, f"{shown}, with Python {'.'.join(python)}", "gdbext needs 3.10", install
        )
    if "PYGMENTS" not in done.stdout:
        return Check(
            LACK,
            name,
            f"{shown}, Python {'.'.join(python)}, no Pygments",
            "source excerpts are not highlighted",
            "install Pygments for that Python",
        )
    return Check(GOOD, name, f"{shown}, Python {'.'.join(python)} ({found.command[0]})")


def _questions() -> Iterator[Check]:
    """Whether gdb asks about symbol servers before its first prompt."""
    servers = os.environ.get("DEBUGINFOD_URLS", "").split()
    if not servers:
        return
    startup = _read(registry.prompt("gdb").startup_file()) or ""
    if "set debuginfod enabled" in startup:
        return
    yield Check(
        LACK,
        "debuginfod",
        f"DEBUGINFOD_URLS names {servers[0]}",
        "`gdb PROGRAM core` asks whether to use it before the first prompt; gdbext never does",
        "gdbext gdb CORE, or the line `set debuginfod enabled off` in gdb's start-up file",
    )


def _ptrace() -> Check:
    """Whether a child can be followed: tried out."""
    from gdbext.tracing import ptrace

    cost = (
        "`gdbext run` needs cores instead (next line) and does not see child processes or hangs; "
        "`gdbext attach` does not work"
    )
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    try:
        ptrace.seize(pid)
    except OSError as error:
        scope = _read("/proc/sys/kernel/yama/ptrace_scope")
        if scope in ("2", "3"):
            return Check(
                FAULT,
                "ptrace",
                f"forbidden by kernel.yama.ptrace_scope = {scope}",
                cost,
                "sudo sysctl kernel.yama.ptrace_scope=1 (3 lasts until reboot)",
            )
        return Check(
            FAULT,
            "ptrace",
            f"refused: {error.strerror}",
            cost,
            "in a container: docker run --cap-add=SYS_PTRACE",
        )
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    scope = _read("/proc/sys/kernel/yama/ptrace_scope")
    if scope == "1" and os.geteuid() != 0:
        return Check(
            GOOD,
            "ptrace",
            (
                "children can be followed; attaching to others is for root "
                "(kernel.yama.ptrace_scope = 1)"
            ),
        )
    return Check(GOOD, "ptrace", "permitted")


def _cores() -> Check:
    from gdbext.tracing import kernel_cores

    pattern = kernel_cores.pattern()
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    reason = kernel_cores.lack(pattern, hard)
    shown = {resource.RLIM_INFINITY: "unlimited"}
    state = (
        f"core_pattern `{pattern}`, ulimit -c {shown.get(soft, soft)} (hard "
        f"{shown.get(hard, hard)})"
    )
    if reason:
        return Check(
            LACK,
            "cores",
            state,
            f"{reason}; `gdbext run` takes its own",
            "echo core | sudo tee /proc/sys/kernel/core_pattern; ulimit -c unlimited",
        )
    if soft == 0:
        return Check(
            GOOD,
            "cores",
            (
                f"{state}: none from a plain crash until `ulimit -c unlimited`; "
                "`gdbext run` takes its own"
            ),
        )
    return Check(GOOD, "cores", state)


def _builds() -> Iterator[Check]:
    """The interpreters that scripts/demo and scripts/test have built, where they have."""
    found = interpreters.built()
    if found:
        names = ",".join(os.path.basename(os.path.dirname(path)) for path in found)
        shown = f"{{{names}}}" if len(found) > 1 else names
        yield Check(GOOD, "builds", f"{interpreters.folder()}/{shown}/python")


def _other_python() -> str:
    """Which free-threaded Python there is already, or how to get one."""
    path = next(interpreters.found(), None)
    return (
        f"gdbext doctor --python {path}"
        if path
        else "uv python install 3.14t, or name one with --python"
    )


def _interpreter(wanted: str | None) -> Iterator[Check]:
    path = wanted or next(interpreters.found(), None) or shutil.which("python3")
    if path is None:
        yield Check(
            LACK,
            "python",
            "no free-threaded interpreter found",
            "nothing, for cores from elsewhere",
            _other_python(),
        )
        return
    try:
        done = subprocess.run(
            [path, "-c", ASK], capture_output=True, text=True, timeout=60, env=_clean_environment()
        )
        facts: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        yield Check(
            FAULT, "python", f"{path} does not start, or is no Python 3", "", _other_python()
        )
        return
    flavour = ("free-threaded" if facts["free_threaded"] else "with a GIL") + (
        ", debug build" if facts["debug"] else ""
    )
    state = f"{facts['version']} {flavour} ({facts['path']})"
    if not facts["free_threaded"]:
        yield Check(
            LACK,
            "python",
            state,
            "gdbext explains free-threaded Pythons only",
            _other_python(),
        )
    elif facts["minor"] < [3, 13]:
        yield Check(FAULT, "python", state, "free-threading came with 3.13", _other_python())
    else:
        yield Check(GOOD, "python", state)
    libraries = [m for m in facts["maps"] if os.path.basename(m).startswith("libpython")]
    binary = libraries[0] if libraries else os.path.realpath(facts["path"])
    yield from _symbols(binary)
    if facts["free_threaded"] and facts["minor"] >= [3, 13]:
        yield _tables(facts["version"], binary, facts["path"])


def _tables(version: str, binary: str, python: str) -> Check:
    """Whether instructions and layouts of that interpreter are known, whatever its symbols."""
    from gdbext.binfmt import elf
    from gdbext.cpython.versions import catalog, learnt

    known = learnt.load(elf.identity_in_file(binary))
    if known is not None:
        return Check(GOOD, "tables", f"learnt of this very build ({known.name})")
    if version in (facts.name for facts in catalog.shipped()):
        return Check(GOOD, "tables", f"those of {version} come with gdbext")
    return Check(
        LACK,
        "tables",
        f"none of {version} come with gdbext",
        "those of the nearest version are used, where they fit; a stripped copy may fit none",
        f"gdbext learn {python}",
    )


def _symbols(binary: str) -> Iterator[Check]:
    from gdbext.binfmt import debug_files, elf, sections

    build_id = elf.build_id_in_file(binary)
    names = sections.read(binary).all_names
    separate = debug_files.separate(binary)
    if ".debug_info" in names:
        yield Check(GOOD, "symbols", f"DWARF in {binary}")
    elif separate and ".debug_info" in sections.read(separate).all_names:
        yield Check(GOOD, "symbols", f"DWARF in {separate}")
    else:
        named = next((name for name in (".symtab", debug_files.MINIMAL) if name in names), None)
        has = f"function names only ({named})" if named else "none (stripped)"
        cost = (
            "layouts come from _Py_DebugOffsets and shipped tables; C arguments and source lines "
            "are not shown"
        )
        yield Check(
            LACK,
            "symbols",
            f"{has} in {binary}",
            cost,
            "install its -dbg or -dbgsym package, or use a build made with -g and not stripped",
        )
    if build_id:
        yield Check(GOOD, "build id", build_id)
    else:
        cost = "a core and its program are compared by their first page only"
        yield Check(LACK, "build id", f"none in {binary}", cost, "link it with -Wl,--build-id")


def _tools() -> Iterator[Check]:
    for tool in ("zstd", "lz4"):
        if path := shutil.which(tool):
            yield Check(GOOD, tool, path)
        else:
            yield Check(
                LACK,
                tool,
                "not found",
                f"cores compressed with {tool} cannot be read",
                f"install the package {tool}",
            )


def _room() -> Check:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    state = f"{free >> 20} MB free in {folder}"
    if free < 1 << 30:
        return Check(
            LACK,
            "room",
            state,
            "cores of large processes do not fit",
            "set TMPDIR to a folder with more room",
        )
    return Check(GOOD, "room", state)


def _clean_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def _read(path: str) -> str | None:
    with contextlib.suppress(OSError), open(path, encoding="utf-8") as stream:
        return stream.read().strip()
    return None
