"""CPython's objects, decoded from bytes; :class:`gdbext.cpython.objects.objects.Objects` is
what other packages use.
"""
