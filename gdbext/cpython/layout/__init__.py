"""Where each field lives: from DWARF, else from ``_Py_DebugOffsets``, else from the tables that
gdbext ships.

:class:`gdbext.cpython.layout.layout.Layout` is all that others use.  Struct and field names are
CPython's own.
"""
