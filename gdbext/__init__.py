"""gdbext explains crashes of free-threaded CPython, inside gdb and LLDB and from the command line.

The packages, from the bottom up; each imports only what stands below it: ``model``, ``target``,
``binfmt``, ``cpython``, ``session``, ``diagnosis``, ``wording``, ``reports``, ``commands``,
``backends``, ``tracing``, ``cli``.
"""

__version__ = "0.2.0"
"""The one place of the version: packaging, reports and ``gdbext --version`` read it here."""
