"""What gdbext asks of a debugger: one small read-only Protocol, and the values that answer.

Each debugger's adapter is a folder of :mod:`gdbext.backends`; nothing else holds a debugger's
values.
"""
