"""A module's body starts a thread that imports the same module, and joins it (gh-125037)."""

EXPECT = {
    "holds": {"worker": []},
    "waits": {"MainThread": "end of a thread", "worker": "import lock"},
    "blockers": {"worker": ["MainThread"], "MainThread": ["worker"]},
    "cycles": [["MainThread", "worker"]],
    "problems": [("FT303", "proven")],
    "hang": "deadlock",
}

import _joins  # noqa: E402, F401
