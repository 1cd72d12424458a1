"""A thread imports a module whose body waits; another imports it meanwhile."""

import threading

import _state
from _state import rest, start

EXPECT = {
    "holds": {"second": []},
    "waits": {"importer": "notification", "second": "import lock"},
    "blockers": {"second": ["importer"]},
    "cycles": [],
    "problems": [],
    "hang": "waiting",
}

_state.begun = threading.Event()


def importer():
    import _waits  # noqa: F401


def second():
    _state.begun.wait()
    import _waits  # noqa: F401


start(importer)
start(second)
rest()
