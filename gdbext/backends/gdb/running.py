"""Programs that gdb starts, and stops for a moment at functions."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import gdb

from gdbext.backends.gdb.threads import WORD, lwp_of
from gdbext.backends.host import WHEEL_VARIABLES
from gdbext.cpython.traits.functions import EVAL_LOOP
from gdbext.target.protocol import DebuggerError

MAX_CALLERS = 6
MAX_RETURNS = 16
"""Places to which the functions return, at which threads are held."""
NEW_THREAD = "thread_run"
"""What every thread of threading's begins in (Modules/_threadmodule.c)."""
Calls = Callable[[int, int, tuple[int, int], Callable[[], Sequence[str]]], None]


class _Function(gdb.Breakpoint):  # type: ignore[misc]  # gdb has no types
    """Tells of each call of a function, and lets the process go on."""

    def __init__(self, address: int, call: Calls, returns: set[int]) -> None:
        super().__init__(f"*{address:#x}", internal=True)
        self.silent = True
        self._address = address
        self._call = call
        self._returns = returns

    def stop(self) -> bool:
        is_new = False
        with suppress(gdb.error, ValueError):
            first, second = (int(gdb.parse_and_eval(name)) & WORD for name in ("$rdi", "$rsi"))
            self._call(self._address, lwp_of(gdb.selected_thread()), (first, second), _callers)
            back = int(gdb.parse_and_eval("*(unsigned long *)$rsp")) & WORD
            is_new = back not in self._returns and len(self._returns) < MAX_RETURNS
            if is_new:
                self._returns.add(back)
        return is_new


class _Return(gdb.Breakpoint):  # type: ignore[misc]  # gdb has no types
    """Holds a thread for a moment when such a function is done.

    A stop takes gdb longer than others need to use what has just been freed: without this one the
    thread waits only where the object is still whole.
    """

    def __init__(self, address: int) -> None:
        super().__init__(f"*{address:#x}", internal=True)
        self.silent = True

    def stop(self) -> bool:
        return False


def _callers() -> Sequence[str]:
    """The functions on the stack from the current one outwards, up to the eval loop."""
    names: list[str] = []
    frame = gdb.newest_frame()
    while frame is not None and len(names) < MAX_CALLERS:
        name = frame.name() or "??"
        if name.startswith(EVAL_LOOP):
            break
        names.append(name)
        frame = frame.older()
    return names


def follow(functions: Iterable[int], call: Calls) -> None:
    """See :meth:`gdbext.backends.gdb.adapter.GdbDebugger.follow`."""
    returns: set[int] = set()
    held: set[int] = set()
    breakpoints: list[gdb.Breakpoint] = [_Function(each, call, returns) for each in functions]
    try:
        gdb.execute("continue", to_string=True)
        # A breakpoint must not be made while gdb asks another whether to stop.
        while new := returns - held:
            held |= new
            breakpoints += [_Return(address) for address in new]
            gdb.execute("continue", to_string=True)
    except gdb.error as error:
        raise DebuggerError(str(error)) from None
    finally:
        for each in breakpoints:
            if each.is_valid():
                each.delete()


def start(command: Sequence[str], environment: Mapping[str, str], seconds: float) -> bool:
    """Start a program and let it run until it has started a thread; False if it ended before.

    What it writes goes nowhere.  After ``seconds`` it is interrupted, whatever it does then.
    """
    for setting in (
        "handle SIGINT stop print nopass",
        "handle SIGUSR1 SIGUSR2 SIGPIPE nostop noprint pass",
        "set breakpoint pending on",
        "set print thread-events off",
        f"tbreak {NEW_THREAD}",
    ):
        gdb.execute(setting, to_string=True)
    for name in WHEEL_VARIABLES:
        gdb.execute(f"unset environment {name}", to_string=True)
    for name, value in environment.items():
        gdb.execute(f"set environment {name} {value}", to_string=True)
    arguments = " ".join(_quoted(word) for word in command[1:])
    try:
        gdb.execute(f"file {_quoted(command[0])}", to_string=True)
        gdb.execute(f"run {arguments} < /dev/null > /dev/null 2>&1", to_string=True)
    except gdb.error as error:
        raise DebuggerError(str(error)) from None
    if not gdb.selected_inferior().pid:
        return False
    timer = threading.Timer(seconds, _interrupt, (gdb.selected_inferior().pid,))
    timer.daemon = True
    timer.start()
    return True


def go_on() -> bool:
    """Let it run until it has started another thread; False if it has ended."""
    gdb.execute(f"tbreak {NEW_THREAD}", to_string=True)
    gdb.execute("continue", to_string=True)
    return bool(gdb.selected_inferior().pid)


def is_alive() -> bool:
    """Whether there is a process, be it one that has got a deadly signal."""
    return bool(gdb.selected_inferior().pid)


def end() -> None:
    """End the program."""
    with suppress(gdb.error):
        gdb.execute("kill", to_string=True)


def _interrupt(pid: int) -> None:
    with suppress(OSError):
        os.kill(pid, signal.SIGINT)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
