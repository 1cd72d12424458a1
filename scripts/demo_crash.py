"""Makes the founding crash's core with one of the lab's interpreters and runs ``gdbext triage`` on
it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import interpreters
from lab.crash import crash

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    variant = sys.argv[1] if len(sys.argv) > 1 else "debug-unfixed"
    script = ROOT / "tests" / "corpus" / "list_union_freed.py"
    python = interpreters.executable(variant)
    print(f"  running {script.name} under {variant} until it dies …", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="gdbext-demo-") as folder:
        run = crash(python, script, folder=Path(folder))
        print(f"  $ gdbext triage {run.core.name}\n", file=sys.stderr, flush=True)
        return subprocess.run(
            [ROOT / ".venv" / "bin" / "gdbext", "triage", str(run.core)]
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
