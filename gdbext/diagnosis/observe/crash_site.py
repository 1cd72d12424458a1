"""Where the crashed thread died."""

from __future__ import annotations

import os

from gdbext.diagnosis.case import Case
from gdbext.diagnosis.conclude.crash_site import called_functions, is_foreign, site_functions
from gdbext.diagnosis.conclude.modules import is_others
from gdbext.diagnosis.facts.crash_site import CrashSite
from gdbext.diagnosis.observe.issue_features import current_holder

MAX_CALLERS = 2


def crash_site(case: Case) -> CrashSite:
    """The functions around the fault, and the extension modules that are loaded."""
    end, interpreter = case.eval_level, case.interpreter_module
    frames = [frame for frame in case.c_frames if end is None or frame.frame.level <= end]
    callers = case.python_stack(case.lwp).frames[:MAX_CALLERS] if case.lwp is not None else ()
    return CrashSite(
        functions=site_functions(frames, interpreter),
        called=called_functions(frames, interpreter),
        callers=tuple(f"{os.path.basename(f.file)} {f.function}" for f in callers),
        extension=_only_extension(case),
        is_in_other_code=_is_in_other_code(case),
        is_crash=case.fault.is_crash,
        assertion=case.fault.assertion,
        holder=current_holder(case),
    )


def _is_in_other_code(case: Case) -> bool:
    """Whether the fault came in or below a library that is no part of Python, or by a signal that somebody sent."""
    if case.fault.signal is not None and case.fault.signal.sender is not None:
        return True
    for frame in case.c_frames:
        if not case.same_call(0, frame.frame.level):
            break
        if is_foreign(frame.frame, case.interpreter_module):
            return True
    return False


def _only_extension(case: Case) -> str | None:
    """The extension module that is loaded, if there is one only.  Which of several are, may depend on when it crashed."""
    names = {
        os.path.basename(module.path).split(".")[0]
        for module in case.session.modules
        if is_others(module.path, case.interpreter_module)
    }
    loaded = [n for n in names if case.session.debugger.symbol(f"PyInit_{n}") is not None]
    return loaded[0] if len(loaded) == 1 else None
