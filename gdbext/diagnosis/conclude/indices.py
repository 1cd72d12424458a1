"""At which item the C code of a frame is."""

from __future__ import annotations

from gdbext.diagnosis.facts.frames import CFrame

INDEX_NAMES = ("i", "index", "pos", "idx", "it_index")
MAX_PLAUSIBLE_INDEX = 1 << 40


def index_variable(frame: CFrame) -> tuple[str | None, int | None]:
    """(name, value) of the frame's loop position, where a local by a usual name has one."""
    for name in INDEX_NAMES:
        value = frame.value(name)
        if value is not None and value < MAX_PLAUSIBLE_INDEX:
            return name, value
    return None, None
