"""gdbext explains crashes of free-threaded CPython, inside gdb and lldb and from the command line.

The rooms, from the bottom up; each imports only what stands below it:

``model`` → ``debuggers`` → ``layout`` → ``objects`` → ``interpreter`` → ``heap`` → ``locks`` → ``triage`` →
``reports`` → ``commands`` → ``cli``.  ``session`` ties a stopped process to all of them.
"""

__version__ = "0.1.0"
