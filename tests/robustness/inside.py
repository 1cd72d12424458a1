"""Runs inside gdb: triages one core under many different damages, and prints what went wrong as
JSON.

The request comes in ``MUTATE_REQUEST``: ``core``, ``executable``, ``seeds`` [first, end),
``seconds`` (limit for one triage), ``bytes`` (limit for one report).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from types import FrameType

sys.path.insert(0, os.environ["GDBEXT_ROOT"])
sys.path.insert(0, os.path.join(os.environ["GDBEXT_ROOT"], "tests"))

from gdbext.backends.gdb import adapter as adapter
from gdbext.diagnosis.diagnose import diagnose
from gdbext.reports import formats
from gdbext.reports.options import Options
from gdbext.session import Session
from gdbext.target.protocol import DebuggerError
from robustness.mutations import Damaged, Recorder, damage

REQUEST = json.loads(os.environ["MUTATE_REQUEST"])
FORMATS = ("json", "text", "html", "markdown")


class Hang(BaseException):
    """No Exception: nothing may catch it on its way."""


def too_long(_number: int, _frame: FrameType | None) -> None:
    raise Hang


def main() -> None:
    os.environ["GDBEXT_RAISE"] = "1"
    debugger = adapter.open_core(REQUEST["executable"], REQUEST["core"])
    session = Session(debugger)
    recorder = Recorder(session.memory)
    session.memory = recorder  # type: ignore[assignment]  # anything with read() will do
    diagnose(session)
    reads = list(recorder.reads)
    spans = [(r.start, r.end) for r in debugger.regions() if r.writable]
    print("READS", len(reads), flush=True)
    signal.signal(signal.SIGALRM, too_long)
    for seed in range(*REQUEST["seeds"]):
        words, missing = damage(
            seed, reads, lambda a: any(start <= a < end for start, end in spans)
        )
        print(
            "RESULT " + json.dumps({"seed": seed, **one(Damaged(debugger, words, missing))}),
            flush=True,
        )
    os._exit(0)


def one(damaged: Damaged) -> dict[str, object]:
    """``problem`` is None, ``exception``, ``hang`` or ``oversize``."""
    started = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, REQUEST["seconds"])
    rules: list[str] = []
    try:
        report = diagnose(Session(damaged))
        rules = [f"{f.rule} {f.confidence}" for f in report.findings]
        size = max(len(formats.render(report, name, Options())) for name in FORMATS)
    except DebuggerError as error:
        return {"problem": None, "refused": str(error)[:200], "seconds": time.monotonic() - started}
    except Hang:
        return {"problem": "hang", "detail": traceback.format_exc()[-3000:]}
    except Exception:  # every kind is what is looked for
        return {"problem": "exception", "detail": traceback.format_exc()[-3000:]}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    problem = "oversize" if size > REQUEST["bytes"] else None
    return {"problem": problem, "size": size, "rules": rules, "seconds": time.monotonic() - started}


main()
