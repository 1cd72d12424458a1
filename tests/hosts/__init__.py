"""One and the same test in gdb and in LLDB: a function run inside the debugger, or a conversation at its prompt.

::

    frames = run_in_debugger("lldb", "hosts.answers:frames", core=run.core, executable=run.executable)
    with in_session("gdb", run.executable, core=run.core) as session:
        assert "ft triage" in session.complete("ft ")
"""

from hosts.run import NAMES, InsideError, run_in_debugger
from hosts.session import Session, in_session

__all__ = ["NAMES", "InsideError", "Session", "in_session", "run_in_debugger"]
