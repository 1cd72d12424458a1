"""The lab: kill interpreters on purpose, keep their cores for one session, and ask gdbext what
happened.

::

    with lab.Lab.temporary() as cores:
        run = cores.crash("debug-unfixed", "list_union_freed")
        print(run.signal, run.truth["container"], lab.triage_json(run.core)["findings"][0]["rule"])
"""

from lab.crash import CrashRun, NoCrash, crash
from lab.hang import end, hang, snapshot
from lab.script import Script, corpus
from lab.session import Lab
from lab.triage import TriageFailed, attach_json, triage_json

__all__ = [
    "CrashRun",
    "Lab",
    "NoCrash",
    "Script",
    "TriageFailed",
    "attach_json",
    "corpus",
    "crash",
    "end",
    "hang",
    "snapshot",
    "triage_json",
]
