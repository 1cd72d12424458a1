"""What a type lists as members (``tp_members``): the fields of its C struct that Python code reads
by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.strings import read_cstring
from gdbext.target.protocol import MemoryFault

WORD = 8
MAX_BASES = 16
MAX_MEMBERS = 200
SPECIAL = re.compile(r"__(?:dict|weaklist|vectorcall)offset__")
"""What gives ``PyType_FromSpec()`` an offset, and is not a member (Doc/c-api/structures.rst)."""
MEMBER = 40
"""Bytes of a ``PyMemberDef`` (Include/descrobject.h): name, type, offset, flags, doc."""


def members(objects: Objects, type_address: int) -> Iterator[tuple[str, int]]:
    """Name and offset of the members of the type and its bases, as far as they can be read."""
    try:
        for _ in range(MAX_BASES):
            table, base = objects.fields("PyTypeObject", type_address, "tp_members", "tp_base")
            for place in range(table, table + MAX_MEMBERS * MEMBER, MEMBER) if table else ():
                entry = objects.memory.read(place, MEMBER)
                name = int.from_bytes(entry[:WORD], "little")
                text = read_cstring(objects.memory, name, 80) if name else None
                if not text:
                    break
                if SPECIAL.fullmatch(text):
                    continue
                yield text, int.from_bytes(entry[16:24], "little")
            if not base:
                return
            type_address = base
    except (MemoryFault, UnknownLayout):
        return
