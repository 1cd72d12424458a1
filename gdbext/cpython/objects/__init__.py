"""CPython's objects, decoded from bytes; :class:`gdbext.cpython.objects.objects.Objects` is the
door.
"""
