"""Is the crash site the culprit, or did it only trip over damage that was done elsewhere?"""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.diagnosis.case import Case
from gdbext.model import Finding, Race


def victim_reason(case: Case, findings: Sequence[Finding], races: Sequence[Race]) -> str | None:
    """Why the crashed thread is a victim; None where it is at the fault itself (or nothing crashed)."""
    if not case.fault.is_crash or not findings:
        return None
    if any(f.rule == "FT105" for f in findings):
        return "the memory that this thread used had been written over before"
    headline = findings[0]
    if headline.rule == "FT301" and races and case.lwp not in [t.lwp for t in races[0].threads]:
        return "the crashed thread does not take part in the race"
    return None
