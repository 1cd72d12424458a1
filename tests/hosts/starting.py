"""Programs started by the debugger itself, and a debugger without any program."""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.target.protocol import Debugger


def start(name: str, command: Sequence[str]) -> Debugger:
    """Start the command and wait until it stops by itself: at a signal, or because it has ended."""
    return _start_in_gdb(command) if name == "gdb" else _start_in_lldb(command)


def empty(name: str) -> Debugger:
    if name == "gdb":
        from gdbext.backends.gdb.adapter import GdbDebugger

        return GdbDebugger()
    import lldb

    from gdbext.backends.lldb.adapter import LldbDebugger

    return LldbDebugger(lldb.debugger)


def step(name: str) -> None:
    """Let the selected thread execute one instruction."""
    if name == "gdb":
        import gdb

        gdb.execute("stepi", to_string=True)
    else:
        import lldb

        lldb.debugger.GetSelectedTarget().GetProcess().GetSelectedThread().StepInstruction(False)


def _start_in_gdb(command: Sequence[str]) -> Debugger:
    import gdb

    from gdbext.backends.gdb.host import unset_wheel_environment

    unset_wheel_environment()
    gdb.execute(f"file {command[0]}", to_string=True)
    gdb.execute(f"set args {' '.join(command[1:])}", to_string=True)
    gdb.execute("run", to_string=True)
    return empty("gdb")


def _start_in_lldb(command: Sequence[str]) -> Debugger:
    import lldb

    from gdbext.backends.lldb.host import unset_wheel_environment

    debugger = lldb.debugger
    unset_wheel_environment(debugger)
    debugger.SetAsync(False)
    target = debugger.CreateTarget(command[0])
    debugger.SetSelectedTarget(target)
    error = lldb.SBError()
    target.Launch(lldb.SBLaunchInfo(list(command[1:])), error)
    if error.Fail():
        raise RuntimeError(error.GetCString())
    return empty("lldb")
