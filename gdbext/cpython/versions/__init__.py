"""What gdbext knows of each CPython version: a folder of JSON each, named by the version, made by
``scripts/version_tables.py``.

``layouts.json``
    ``{flavour: {struct: {"size": bytes, "fields": {path: [offset, size(, bit, bits)]}}}}``;
    ``debug`` (Py_DEBUG) has only the structs that are not as in ``release``
``offsets.json``
    what each word of ``_Py_DebugOffsets`` holds: ``[offset in there, struct, field or null for its
    size]``
``opcodes.json``
    the pyc magic number and the instructions: numbers, inline caches, specialisations, stack
    effects

Nothing of this is used for a process before it was checked on that process.
"""
