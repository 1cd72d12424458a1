"""The diagnosis of one crash of ``gdbext run``, in a process of its own: the command goes on
meanwhile.
"""

from __future__ import annotations

import json
import os
import sys

from gdbext.engine import launch
from gdbext.engine.answer import diagnose
from gdbext.engine.outcome import Failure
from gdbext.tracing import keep

SECONDS = 300.0


def main() -> int:
    """Arguments: the request, the debugger's name, and where the core goes afterwards ("" to drop
    it).
    """
    request, debugger, kept = sys.argv[1:]
    wanted = json.loads(request)
    try:
        return diagnose(wanted, debugger, SECONDS)
    except (Failure, launch.LaunchError) as failure:
        print(f"gdbext: {failure}", file=sys.stderr)
        return 3
    finally:
        if kept:
            _keep(wanted["core"], kept)
        if wanted["temporary"]:
            os.unlink(wanted["core"])


def _keep(core: str, kept: str) -> None:
    try:
        keep.compress(core, kept)
        print(f"gdbext: core kept as {kept}", file=sys.stderr)
    except OSError as error:
        print(f"gdbext: cannot keep the core as {kept}: {error.strerror}", file=sys.stderr)
