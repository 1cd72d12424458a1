"""A signature that is equal for one defect over runs, builds and line drift, and differs between defects.

Optimisers inline static helpers, so release and debug builds crash in different frames.  What stays is every function
whose address stands in a table of the interpreter's data, such as a type's slots: only those frames count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from gdbext.model import Finding, Race, Signature
from gdbext.triage.case import Case

MAX_FRAMES = 3
# One lost reference shows as any of these, by what the block is used for when it is looked at.
FAMILY = {"FT101": "stale", "FT102": "stale", "FT103": "stale", "FT201": "stale", "FT104": "stale"}


def signature(case: Case, findings: Sequence[Finding], races: Sequence[Race]) -> Signature:
    """Frames, features and the id made of them."""
    headline = findings[0] if findings else None
    features = []
    if headline:
        features.append(headline.rule)
        features += [headline.container.type] if headline.container else []
        if headline.subject:
            kind = headline.subject.expected_type or headline.subject.type
            features += [kind] if kind else []
    frames = [] if headline and headline.rule in ("FT105", "FT301") else site_frames(case)
    key = [FAMILY.get(f, f) for f in features]
    victim = headline is None or headline.rule in ("FT105", "FT301", "FT404")
    if races and victim:
        pair = sorted({t.operation for t in races[0].threads})
        features += [races[0].object.type, *pair]
        key = ["race", races[0].object.type, *pair]
        frames = []
    if case.fault.assertion and not (headline and headline.rule in FAMILY):
        key.append(case.fault.assertion)
    digest = hashlib.sha256("\n".join([*key, "--", *frames]).encode()).hexdigest()[:16]
    return Signature(digest, tuple(frames), tuple(features))


def site_frames(case: Case) -> list[str]:
    """Names of the innermost functions that are slots or methods of some type, up to the Python frame that called them."""
    found: list[str] = []
    end = case.eval_level
    for frame in case.c_frames:
        if end is not None and frame.frame.level > end:
            break
        if frame.owner is not None and frame.frame.function:
            name = frame.frame.function.split(".")[0]
            if name not in found:
                found.append(name)
    return found[:MAX_FRAMES]
