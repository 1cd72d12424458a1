"""The only room that talks to a debugger: one small read-only Protocol, and one adapter a debugger.

Nothing above this room imports ``gdb`` or ``lldb``, or ever holds a debugger's value.
"""
