"""A process's memory map, ``/proc/PID/maps`` (proc_pid_maps(5))."""

from __future__ import annotations

import re
from typing import NamedTuple

LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) (\S+) (\d+)\s*(.*)\n?")


class Mapping(NamedTuple):
    """A line of it.  ``path`` is "" for anonymous memory, ``offset`` in bytes."""

    start: int
    end: int
    permissions: str
    offset: int
    inode: int
    path: str

    @property
    def is_file(self) -> bool:
        """Whether it is a file's, not anonymous or the kernel's."""
        return self.inode != 0 and self.path.startswith("/")


def mappings(pid: int) -> list[Mapping]:
    """The whole map.

    Raises:
        OSError
    """
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as stream:
        found = [LINE.fullmatch(line) for line in stream]
    return [
        Mapping(int(m[1], 16), int(m[2], 16), m[3], int(m[4], 16), int(m[6]), m[7])
        for m in found
        if m
    ]
