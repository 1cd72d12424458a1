"""Names and sets of CPython's types that the diagnosis asks about."""

from __future__ import annotations

from gdbext.cpython.traits.types import types_with

UNION = "types.UnionType"
CONTAINERS = types_with("container")
"""Types that hold what the program put in."""
RESIZABLE = types_with("resizable")
"""Types whose C struct starts with PyVarObject, whose items lie elsewhere, and whose size may
change.
"""
SEQUENCES = types_with("sequence")
"""Containers whose slots are positions."""
WRITTEN_BY_INIT = types_with("written_by_init_only")
"""Types whose objects only ``__init__`` writes."""
