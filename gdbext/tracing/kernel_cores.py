"""The kernel's own cores, for where a command cannot be traced."""

from __future__ import annotations

import glob
import os
import re
import resource

PATTERN = "/proc/sys/kernel/core_pattern"


def pattern() -> str:
    """core_pattern; "" where it cannot be read."""
    try:
        with open(PATTERN, encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def allow() -> None:
    """Let this process leave a core as large as its hard limit permits."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def lack(core_pattern: str, hard_limit: int) -> str | None:
    """Why no core can be expected; None if one can."""
    if hard_limit == 0:
        return "`ulimit -c` is 0 and cannot be raised"
    if not core_pattern:
        return "/proc/sys/kernel/core_pattern is empty, so no cores are written"
    if core_pattern.startswith("|"):
        program = core_pattern[1:].split(" ")[0]
        if "systemd-coredump" in program:
            return "cores go to systemd-coredump: `coredumpctl dump PID --output core` gets one"
        return f"cores go to the program {program}"
    return None


def names(core_pattern: str, folder: str, pid: int) -> str:
    """A glob for the cores of a process that died in ``folder``.

    >>> names("core.%e.%p", "/tmp", 7)
    '/tmp/core.*.7*'
    """
    known = {"%%": "%", "%p": str(pid), "%P": str(pid), "%i": str(pid), "%I": str(pid)}
    parts = [
        known.get(part, "*" if part.startswith("%") else glob.escape(part))
        for part in re.split(r"(%.)", core_pattern)
    ]
    # core_uses_pid appends the pid.
    return os.path.join(glob.escape(folder), "".join(parts) + "*")


def newest(pid: int, since: float) -> tuple[str | None, str]:
    """(the newest core of that process in the current folder, what is in the way if
    there is none).
    """
    if reason := lack(pattern(), resource.getrlimit(resource.RLIMIT_CORE)[1]):
        return None, reason
    wanted = names(pattern(), os.getcwd(), pid)
    found = [
        path
        for path in glob.glob(wanted)
        if os.path.isfile(path) and os.path.getmtime(path) >= since - 1
    ]
    if not found:
        return None, f"no core appeared as {wanted}"
    return max(found, key=os.path.getmtime), ""
