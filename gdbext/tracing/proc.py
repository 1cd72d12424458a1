"""What ``/proc`` tells about a process, for following it and for its core."""

from __future__ import annotations

import itertools
import os

from gdbext.binfmt.maps import mappings


def status(task: int) -> dict[str, str]:
    """``/proc/TASK/status`` by field name.

    Raises:
        OSError: when there is no such task.
    """
    with open(f"/proc/{task}/status", encoding="utf-8", errors="replace") as stream:
        return dict(line.rstrip("\n").split(":\t", 1) for line in stream if ":\t" in line)


def process_of(task: int) -> int:
    """The process that a task (thread) belongs to; the task's own id where that cannot be told any
    more.
    """
    try:
        return int(status(task)["Tgid"])
    except (OSError, KeyError, ValueError):
        return task


def tasks(pid: int) -> list[int]:
    """The threads of a process, the oldest first; empty when it is gone.

    Any thread's id will do for ``pid``.
    """
    try:
        return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return []


def has_task(task: int, other: int | None) -> bool:
    """Whether ``other`` is a thread of the same process as ``task``."""
    return other is not None and os.path.exists(f"/proc/{task}/task/{other}")


def catches(fields: dict[str, str], number: int) -> bool:
    """Whether the process has a handler for that signal."""
    return bool(int(fields.get("SigCgt", "0"), 16) >> (number - 1) & 1)


def ignores(fields: dict[str, str], number: int) -> bool:
    """Whether the process of that status ignores a signal."""
    return bool(int(fields.get("SigIgn", "0"), 16) >> (number - 1) & 1)


def is_python(pid: int) -> bool:
    """Whether the process looks like a Python: it maps a file whose name says so."""
    try:
        return any("python" in os.path.basename(m.path) for m in mappings(pid) if m.is_file)
    except OSError:
        return False


def name(pid: int) -> str:
    """The process's short name, ``?`` when it is gone."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as stream:
            return stream.read().rstrip("\n")
    except OSError:
        return "?"


def command(pid: int) -> str:
    """The process's command line, for people."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            words = stream.read().rstrip(b"\0").split(b"\0")
    except OSError:
        return "?"
    return " ".join(word.decode(errors="replace") for word in words)


def is_gdbext_run(pid: int) -> bool:
    """Whether the process is a ``gdbext run``, started by its script or by ``python -m gdbext``."""
    words = [os.path.basename(word) for word in command(pid).split(" ")]
    return ("gdbext", "run") in itertools.pairwise(words)


def resident_bytes(pid: int) -> int:
    """Memory that a core of it would have, roughly: resident and swapped."""
    try:
        fields = status(pid)
    except OSError:
        return 0
    return sum(
        int(fields.get(key, "0 kB").split()[0]) << 10 for key in ("RssAnon", "RssShmem", "VmSwap")
    )
