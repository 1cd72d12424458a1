"""Let a debugger work on a request; another one where the first gives no answer."""

from __future__ import annotations

import sys
from typing import Any

from gdbext.backends.programs import UNUSABLE, Program
from gdbext.engine import launch
from gdbext.engine.outcome import CANNOT_OPEN, DIAGNOSED, PARTIAL, Failure


def diagnose(request: dict[str, Any], debugger: str, timeout: float) -> int:
    """Let a debugger work on the request (see ``inside``); returns the exit status.

    Raises:
        Failure: when the debugger itself fails, and there is no other to try.
    """
    if request.get("debuginfod"):
        from gdbext.engine import debuginfod

        request = debuginfod.with_folder(request, _say)
    try:
        chosen = launch.candidates(debugger, live="pid" in request)
        if debugger == "auto" and "pid" not in request and (lack := launch.lack(chosen[0])):
            _say(lack)
        for number, program in enumerate(chosen):
            result = launch.run(program, {**request, "again": number > 0}, timeout)
            if result.code in (DIAGNOSED, CANNOT_OPEN, PARTIAL):
                break
            if number + 1 == len(chosen):
                return _failed(program, result)
            _say(f"{_last_words(program, result)}; {chosen[number + 1].name} is used instead")
    except launch.LaunchError as error:
        raise Failure(str(error)) from None
    return result.code


def _failed(program: Program, result: launch.Result) -> int:
    from gdbext.reports.sanitize import inert, visible

    if result.code == UNUSABLE:
        _say(_last_words(program, result))
        return CANNOT_OPEN
    said = "\n  ".join(["", *(inert(visible(line)) for line in result.noise.splitlines()[-6:])])
    others = launch.others(program)
    other = f" Another debugger may do better: --debugger {others[0]}." if others else ""
    raise Failure(f"{_last_words(program, result)} before it could answer.{other}{said}")


def _last_words(program: Program, result: launch.Result) -> str:
    """How a debugger ended that gave no answer."""
    if result.code == UNUSABLE:
        return (result.noise.splitlines() or [f"{program.name} cannot open it"])[-1]
    ended = (
        f"was killed by signal {-result.code}"
        if result.code < 0
        else f"ended with status {result.code}"
    )
    return f"{next(iter(program.command), program.name)} {ended}"


def _say(message: str) -> None:
    from gdbext.engine.inside import LONGEST_MESSAGE
    from gdbext.reports.sanitize import inert, visible

    print(f"gdbext: {inert(visible(message, LONGEST_MESSAGE))}", file=sys.stderr, flush=True)
