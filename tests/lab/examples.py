"""A real report for each rule, for the documentation (``scripts/docs reports`` writes them).

They are kept as text, so that the site is built without an interpreter; a test makes each crash
again and compares.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import interpreters
from lab.crash import crash
from lab.extensions import Extension, died
from lab.script import Script
from lab.session import Lab

TESTS = Path(__file__).resolve().parents[1]
KEPT = TESTS.parent / ".github" / "docs" / "reports"


@dataclass(frozen=True, kw_only=True)
class Example:
    """The script whose death is an example of a rule."""

    script: str
    """Below ``tests/``."""
    build: str = "debug"
    varies: bool = False
    """A race: each death is another, and only the rule is the same."""

    def report(self, lab: Lab) -> str:
        """What ``gdbext triage`` says of it now."""
        path = TESTS / self.script
        if path.parent.name == "extensions":
            core = died(lab, Extension(path)).core
        elif path.parent.name == "corpus":
            core = lab.crash_of(Script(path), self.build).core
        else:
            folder = lab.root / "examples" / path.stem
            core = crash(interpreters.build(self.build), path, folder=folder).core
        done = subprocess.run(
            [sys.executable, "-m", "gdbext", "triage", str(core)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout.replace(f"{TESTS.parent}/", "")


EXAMPLES = {
    "FT000": Example(script="corpus/quit_from_outside.py"),
    "FT101": Example(script="corpus/list_union_freed.py", build="debug-unfixed"),
    "FT102": Example(script="corpus/freed_object.py"),
    "FT103": Example(script="corpus/list_union_reused.py", build="debug-unfixed"),
    "FT104": Example(script="corpus/negative_refcount.py"),
    "FT105": Example(script="corpus/heap_overrun.py", build="release"),
    "FT106": Example(script="extensions/pymem_to_free.py", build="release"),
    "FT201": Example(script="corpus/union_args_list.py"),
    "FT202": Example(script="corpus/union_parameters_raced.py", build="debug-unfixed", varies=True),
    "FT203": Example(script="corpus/array_setitem_clear.py"),
    "FT204": Example(script="corpus/classmethod_init.py"),
    "FT205": Example(script="corpus/list_null_slot.py"),
    "FT206": Example(script="corpus/ob_type_overwritten.py"),
    "FT301": Example(script="corpus/race_cycle.py", build="release", varies=True),
    "FT302": Example(script="locks/states/lost_wakeup.py"),
    "FT303": Example(script="locks/states/lock_cycle.py"),
    "FT304": Example(script="locks/states/world_not_stopping.py"),
    "FT305": Example(script="corpus/detached_call.py"),
    "FT401": Example(script="corpus/c_assertion.py"),
    "FT402": Example(script="corpus/fatal_error.py"),
    "FT403": Example(script="corpus/stack_overflow.py"),
    "FT404": Example(script="corpus/ctypes_null.py"),
    "FT405": Example(script="corpus/os_abort.py"),
    "FT406": Example(script="extensions/library_unloaded.py", build="release"),
}


def main() -> int:
    """Write them all, or those of the rules that are named."""
    KEPT.mkdir(exist_ok=True)
    with Lab.temporary() as lab:
        for rule in sys.argv[1:] or EXAMPLES:
            text = EXAMPLES[rule].report(lab)
            (KEPT / f"{rule}.txt").write_text(text)
            headline = next(line for line in text.splitlines() if line.startswith(("FT", "✓")))
            print(f"{rule}  {headline}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
