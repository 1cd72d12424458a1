#!/usr/bin/env python3
"""How robust is triage?  Damages cores in many ways and counts exceptions, hangs (> 10 s) and
reports over 1 MB.

PYTHONPATH=scripts:tests .venv/bin/python scripts/fuzz_cores.py [--memory N] [--files N] [--seed N]
CORE[=EXE]...
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from gdbext.engine.core_target import open_target
from robustness.driver import Result, damaged_files, damaged_memory


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cores", nargs="+", metavar="CORE[=EXE]")
    parser.add_argument(
        "--memory",
        type=int,
        default=100,
        help="damages to each core's memory (default: %(default)s)",
    )
    parser.add_argument(
        "--files",
        type=int,
        default=8,
        help="damaged copies of each core's file (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="the first seed (default: %(default)s)")
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    slowest = 0.0
    for given in arguments.cores:
        path, _, executable = given.partition("=")
        core = Path(path).resolve()
        program = Path(executable or open_target(str(core)).executable)
        with tempfile.TemporaryDirectory(prefix="gdbext-fuzz-") as folder:
            end = arguments.seed + arguments.memory
            files = damaged_files(
                core,
                program,
                Path(folder) / "copies",
                arguments.seed,
                arguments.seed + arguments.files,
            )
            for results in (damaged_memory(core, program, arguments.seed, end), files):
                for result in results:
                    counts[result.problem or "fine"] += 1
                    slowest = max(slowest, result.seconds)
                    _tell(core, result)
        print(f"{core}: so far {dict(counts)}, slowest {slowest:.1f} s", flush=True)
    return int(set(counts) != {"fine"})


def _tell(core: Path, result: Result) -> None:
    if result.problem:
        print(f"{core} {result.what}: {result.problem}\n{result.detail}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
