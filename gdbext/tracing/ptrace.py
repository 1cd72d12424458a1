"""ptrace(2), as far as following processes needs it.

Tasks are *seized*: unlike PTRACE_ATTACH and PTRACE_TRACEME that stops nothing, sends no SIGSTOP and
leaves job control as it is.  A task then stops only at events and at signals on their way to it,
never at system calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct

GETEVENTMSG, GETSIGINFO, GETREGSET = 0x4201, 0x4202, 0x4204
CONT, DETACH, SEIZE, INTERRUPT, LISTEN = 7, 17, 0x4206, 0x4207, 0x4208
EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_STOP = 1, 2, 3, 4, 128
FOLLOW = 1 << EVENT_FORK | 1 << EVENT_VFORK | 1 << EVENT_CLONE | 1 << EVENT_EXEC
"""Options: every child and thread is seized from its first instruction on."""
WALL = 0x40000000
"""waitpid option: threads as well as children."""
STOPS = tuple(
    int(number) for number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
)
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class SignalInfo:
    """A pending signal's siginfo.

    ``sender`` is the pid for signals that a process sent (``code`` <= 0).
    """

    SIZE = 128

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.number, self.errno, self.code = struct.unpack_from("<iii", raw)
        self.sender = struct.unpack_from("<i", raw, 16)[0] if self.code <= 0 else None


def _call(request: int, task: int, address: int = 0, data: int = 0) -> None:
    if _libc.ptrace(request, task, address, data) == -1:
        number = ctypes.get_errno()
        if number == errno.ESRCH:
            # Killed meanwhile, or not stopped after all: its end is reported by waitpid.
            raise ProcessLookupError(number, os.strerror(number))
        raise OSError(number, os.strerror(number))


def seize(task: int, options: int = FOLLOW) -> None:
    """Begin to follow a task.

    Raises:
        OSError: EPERM when the system forbids it, or somebody else traces it already.
    """
    _call(SEIZE, task, 0, options)


def resume(task: int, number: int = 0) -> None:
    """Let a stopped task run, delivering that signal."""
    _call(CONT, task, 0, number)


def listen(task: int) -> None:
    """Leave a task in its job-control stop until SIGCONT."""
    _call(LISTEN, task)


def interrupt(task: int) -> None:
    """Stop a running task as soon as it comes through the kernel; waitpid reports EVENT_STOP."""
    _call(INTERRUPT, task)


def detach(task: int, number: int = 0) -> None:
    """Stop following a stopped task and let it run."""
    _call(DETACH, task, 0, number)


def event_message(task: int) -> int:
    """The new task's id at a fork or clone event; the former thread id at an exec."""
    message = ctypes.c_ulong()
    _call(GETEVENTMSG, task, 0, ctypes.addressof(message))
    return message.value


def signal_info(task: int) -> SignalInfo:
    """The signal that a task is stopped at."""
    _call(GETSIGINFO, task, 0, ctypes.addressof(_signal))
    return SignalInfo(_signal.raw)


# Made once: a new ctypes type costs more than all else that happens between a fault and the stop of
# the other threads.
_signal = ctypes.create_string_buffer(SignalInfo.SIZE)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def registers(task: int, kind: int, limit: int = 1 << 16) -> bytes:
    """A register set of a stopped task, by the type of the core's note that it goes into; empty if
    there is none.
    """
    buffer = ctypes.create_string_buffer(limit)
    vector = _Vector(ctypes.addressof(buffer), limit)
    try:
        _call(GETREGSET, task, kind, ctypes.addressof(vector))
    except ProcessLookupError:
        raise
    except OSError:
        return b""
    return buffer.raw[: vector.length]


def die_with_parent(number: int) -> None:
    """Make the kernel send this process that signal when its parent dies."""
    _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def event(status: int) -> int:
    """The PTRACE_EVENT_… of a wait status of a stopped task; 0 for a signal on its way to it."""
    return status >> 16


def is_job_stop(status: int) -> bool:
    """Whether the task is in a job-control stop (as after Ctrl-Z)."""
    return event(status) == EVENT_STOP and os.WSTOPSIG(status) in STOPS
