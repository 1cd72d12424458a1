"""CPython's objects, decoded from bytes; :class:`gdbext.objects.objects.Objects` is the door."""
