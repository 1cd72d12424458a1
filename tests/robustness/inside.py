"""Runs inside a debugger: triages one core under many different damages, a line of JSON each.

The request comes in ``MUTATE_REQUEST``: ``debugger``, ``core``, ``executable``, ``kind`` (a key of
``mutations.KINDS``), ``seeds`` [first, end).
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from types import FrameType
from typing import Any

from gdbext.diagnosis.diagnose import diagnose
from gdbext.reports import formats
from gdbext.reports.options import Options
from gdbext.session import Session
from gdbext.target.protocol import Debugger, DebuggerError
from robustness import results
from robustness.mutations import KINDS, Damage, Damaged, Recorder, Related
from robustness.results import Result, judged

FORMATS = ("json", "text", "html", "markdown")
MARK = "RESULT "


class Hang(BaseException):
    """No Exception: nothing may catch it on its way."""


def too_long(_number: int, _frame: FrameType | None) -> None:
    raise Hang


def main() -> None:
    """Never returns: the debugger ends here."""
    try:
        run(json.loads(os.environ["MUTATE_REQUEST"]))
    except BaseException:  # The debugger would print it in its own way, or not at all.
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(0)


def run(request: dict[str, Any]) -> None:
    """One line a seed on stdout."""
    os.environ["GDBEXT_RAISE"] = "1"
    adapter = importlib.import_module(f"gdbext.backends.{request['debugger']}.adapter")
    debugger: Debugger = adapter.open_core(request["executable"], request["core"])
    session = Session(debugger)
    recorder = Recorder(session.memory)
    session.memory = recorder  # type: ignore[assignment]  # anything with read() will do
    undamaged = json.loads(formats.render(diagnose(session), "json", Options()))
    spans = [(r.start, r.end) for r in debugger.regions() if r.writable]
    reads = [
        (address, size)
        for address, size in recorder.reads
        if any(start <= address < end for start, end in spans)
    ]
    related = Related.to(undamaged, debugger)
    damage = KINDS[request["kind"]]
    signal.signal(signal.SIGPROF, too_long)
    for seed in range(*request["seeds"]):
        done = damage(seed, reads, related)
        answer = triaged(request["kind"], seed, debugger, done, undamaged)
        # A debugger's own stdout may keep a line for itself, which the end of this process loses.
        os.write(1, f"{MARK}{json.dumps(answer.plain())}\n".encode())


def triaged(
    kind: str, seed: int, debugger: Debugger, done: Damage, undamaged: dict[str, Any]
) -> Result:
    """What is said of the damaged target."""
    before = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, results.CPU_SECONDS)
    said: dict[str, Any] = {}
    size, problem, detail = 0, None, ""
    try:
        report = diagnose(Session(Damaged(debugger, done)))
        texts = [formats.render(report, name, Options()) for name in FORMATS]
        size, said = max(map(len, texts)), json.loads(texts[0])
        detail = ", ".join(f"{f['rule']} {f['confidence']}" for f in said["findings"])
    except DebuggerError as error:
        detail = str(error)[:200]
    except Hang:
        problem, detail = results.HANG, traceback.format_exc()[-3000:]
    except Exception:  # every kind is what is looked for
        problem, detail = results.EXCEPTION, traceback.format_exc()[-3000:]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if said and done.is_unrelated and (false := done.not_so(said, undamaged)):
        problem, detail = results.PROVEN, json.dumps(false)[:3000]
    answer = Result(
        kind=kind,
        seed=seed,
        problem=problem,
        detail=detail,
        seconds=time.process_time() - before,
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
    )
    return judged(answer, size)
