"""``gdbext attach PID``: diagnose a running process and let it go on."""

from __future__ import annotations

import argparse
import contextlib
import os

from gdbext.backends import registry
from gdbext.cli import outputs, parsers
from gdbext.cli.triage import report_request
from gdbext.engine import launch
from gdbext.engine.answer import diagnose
from gdbext.engine.outcome import Failure

HELP = """\
The process is stopped while the debugger looks at it and goes on unharmed
afterwards. With --snapshot it is stopped only while its memory is copied, a
few hundredths of a second for a small process; the copy is what the debugger
looks at.

exit status:
  0  diagnosed (a healthy process has no findings)
  2  wrong usage
  3  the process cannot be attached to
  4  diagnosed in part

examples:
  gdbext attach 4711
  gdbext attach --snapshot 4711 --format json"""


def parser() -> argparse.ArgumentParser:
    made = parsers.new("attach", HELP)
    made.add_argument("pid", metavar="PID", type=int, help="the process")
    made.add_argument(
        "--snapshot", action="store_true", help="stop it only while its memory is copied"
    )
    parsers.add_one_debugging(made)
    outputs.add_options(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    request = report_request(arguments)
    check_attachable(arguments.pid)
    if not arguments.snapshot and _can_attach(arguments.debugger):
        return diagnose({**request, "pid": arguments.pid}, arguments.debugger, arguments.timeout)
    import tempfile

    from gdbext.tracing.live import snapshot
    from gdbext.tracing.snapshot import SnapshotError

    with tempfile.TemporaryDirectory(prefix="gdbext-attach-") as folder:
        core = os.path.join(folder, "core")
        try:
            snapshot(arguments.pid, core)
        except SnapshotError as error:
            raise Failure(str(error)) from None
        return diagnose(
            {**request, "core": core, "shown": None, "live": arguments.pid},
            arguments.debugger,
            arguments.timeout,
        )


def _can_attach(debugger: str) -> bool:
    """Whether there is a debugger that inspects running processes; else a snapshot has to do."""
    if debugger != "auto":
        return registry.launcher(debugger).ATTACHES
    try:
        return bool(launch.candidates(live=True))
    except launch.LaunchError:
        return False


def check_attachable(pid: int) -> None:
    """What would fail anyway, said plainly before a debugger is started.

    Raises:
        Failure
    """
    from gdbext.tracing import proc

    if pid == os.getpid():
        raise Failure(f"process {pid} is gdbext itself")
    try:
        fields = proc.status(pid)
    except OSError:
        raise Failure(f"there is no process {pid}") from None
    if fields.get("Tgid") != str(pid):
        raise Failure(f"{pid} is a thread of process {fields.get('Tgid')}; attach to that")
    if fields.get("State", "").startswith("Z"):
        raise Failure(
            f"process {pid} has ended already; its parent has not asked for its exit status yet"
        )
    if (tracer := fields.get("TracerPid", "0")) != "0":
        if proc.is_gdbext_run(int(tracer)):
            raise Failure(
                f"process {pid} is followed by gdbext run, which can look at it while it goes on: "
                f"kill -USR1 {tracer}"
            )
        raise Failure(
            f"process {pid} is being traced by process {tracer} ({proc.name(int(tracer))}); "
            "a process has one tracer at most"
        )
    owner = fields.get("Uid", "").split()[:1]
    if os.geteuid() != 0 and owner != [str(os.geteuid())]:
        raise Failure(f"process {pid} belongs to another user; run gdbext as that user or as root")
    with contextlib.suppress(OSError), open("/proc/sys/kernel/yama/ptrace_scope") as stream:
        if os.geteuid() != 0 and (scope := stream.read().strip()) != "0":
            raise Failure(
                "this system lets no process be attached to but one's own children "
                f"(kernel.yama.ptrace_scope is {scope}); run gdbext as root, or once: "
                "sudo sysctl kernel.yama.ptrace_scope=0"
            )
