"""The GIL is on; a thread sleeps in C code with it, and others want it."""

import ctypes
import sys
import threading

from _state import settle, start

EXPECT = {
    "env": {"PYTHON_GIL": "1"},
    "holds": {},
    "waits": {"waiter": "GIL", "sleeper": None, "MainThread": "GIL"},
    "blockers": {"waiter": ["sleeper"], "MainThread": ["sleeper"]},
    "cycles": [],
    "problems": [],
    "hang": "waiting",
}

go = threading.Event()
sleep = ctypes.PyDLL(None).sleep


def sleeper():
    go.wait()
    # Who wants the GIL sleeps in intervals of this; between two it runs, and a busy machine may
    # catch it there.
    sys.setswitchinterval(30)
    sleep(60)


def waiter():
    go.wait()
    while True:
        pass


start(sleeper)
start(waiter)
settle(0.6)
go.set()
while True:
    pass
