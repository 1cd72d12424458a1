"""Layouts from debug information: gdb reads them, in a process of its own."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gdbext.learning.struct_names import CUT

ROOT = Path(__file__).resolve().parent.parent.parent
"""The folder that has the package ``gdbext``."""
NAMES = "GDBEXT_STRUCTS"
"""The environment variable that tells this file, run inside gdb, what to read."""
SETTINGS = ("set debuginfod enabled off", "set auto-load no")

Entry = dict[str, Any]
"""``{"size": bytes, "fields": {path: [offset, size(, bit, bits)]}}``"""
Entries = dict[str, Entry]


class LearningError(Exception):
    """Facts cannot be had; the message says what is missing."""


def read(
    gdb: Sequence[str], binary: Path, names: Sequence[str], environment: Mapping[str, str]
) -> Entries:
    """The named structs that the debug information of ``binary`` has, by name.

    ``gdb`` is the first words of its command line, ``environment`` what that gdb needs beyond ours.

    Raises:
        LearningError: when gdb reads nothing at all.
    """
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import gdbext.learning.dwarf as d; "
        "d.show()"
    )
    settings = [word for setting in SETTINGS for word in ("-iex", setting)]
    done = subprocess.run(
        [*gdb, "-nx", "-batch", *settings, "-ex", f"python {code}", str(binary)],
        capture_output=True,
        text=True,
        env={**plain_environment(), **environment, NAMES: " ".join(dict.fromkeys(names))},
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("{")), None)
    if line is None:
        raise LearningError(f"gdb read nothing from {binary}: {done.stderr.strip()[-500:]}")
    found: Entries = json.loads(line)
    return found


def plain_environment() -> dict[str, str]:
    """Ours, without what would change what a Python does."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def show() -> None:
    """Inside gdb: print the structs of the file that it has open, as one line of JSON."""
    debugger = importlib.import_module("gdbext.backends.gdb.adapter").GdbDebugger()
    found: Entries = {}
    for name in os.environ[NAMES].split():
        struct = debugger.struct(name)
        if struct is None:
            continue
        cut = tuple(prefix + "." for prefix in CUT.get(name, "").split())
        fields = {
            path: [f.offset, f.size, f.bit, f.bits] if f.bits else [f.offset, f.size]
            for path, f in struct.fields.items()
            if not path.startswith(cut)
        }
        found[name] = {"size": struct.size, "fields": fields}
    print(json.dumps(found))
