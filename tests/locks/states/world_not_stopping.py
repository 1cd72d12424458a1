"""A thread collects garbage, for which all others must stop; one of them sleeps in C code without
having detached.
"""

import ctypes
import gc
import threading
import time

from _state import settle, start

EXPECT = {
    "holds": {},
    "waits": {"collector": "stopping of the world", "sleeper": None},
    "holders": {},
    "cycles": [],
    "problems": [("FT304", "likely")],
    "problem_threads": ["sleeper", "collector"],
    "hang": "stop-the-world",
}

go, sleeping = threading.Event(), threading.Event()
# Unlike CDLL, PyDLL stays attached around the call.
sleep = ctypes.PyDLL(None).sleep


def sleeper():
    go.wait()
    sleeping.set()
    sleep(60)


def collector():
    sleeping.wait()
    gc.collect()


start(sleeper)
start(collector)
settle(0.6)
go.set()
while True:
    time.sleep(60)
