"""A process forks while one of its threads has an RLock; the child, where that thread is not, waits
for it.
"""

import os
import signal
import threading
import time

from _state import know, settle, start

EXPECT = {
    "holds": {"MainThread": []},
    "waits": {"MainThread": "a"},
    "holders": {"a": [None]},
    "cycles": [],
    "problems": [("FT302", "proven")],
    "hang": "lost lock",
}

a = threading.RLock()
know(a=a)


def owner():
    with a:
        time.sleep(60)


start(owner)
time.sleep(0.1)
child = os.fork()
if child:
    os.waitpid(child, 0)
    os.kill(os.getpid(), signal.SIGKILL)
settle()
a.acquire()
