"""gdbext as a library: diagnose a core, or look around in one, from a script or a notebook.

>>> import gdbext
>>> report = gdbext.triage("core.1234")                         # doctest: +SKIP
>>> report.findings[0].rule, report.findings[0].confidence      # doctest: +SKIP
('FT101', <Confidence.PROVEN: 'proven'>)
>>> report.save("crash.html")                                   # doctest: +SKIP
>>> with gdbext.open("core.1234") as session:                   # doctest: +SKIP
...     session.object(0x20000375fb0).stale_items()

No debugger's process is started: drgn reads the core in this one (``pip install 'gdbext[drgn]'``).
"""

from __future__ import annotations

from gdbext.library.opening import attach, open, triage
from gdbext.library.report import Report, text_of
from gdbext.library.session import Session
from gdbext.library.values import Item, Object, Table
from gdbext.target.protocol import DebuggerError

__all__ = [
    "DebuggerError",
    "Item",
    "Object",
    "Report",
    "Session",
    "Table",
    "attach",
    "open",
    "text_of",
    "triage",
]
