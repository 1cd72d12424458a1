"""A healthy process that another one ends with SIGQUIT: the core has nothing wrong in it."""

import os
import subprocess
import threading

from _truth import tell

EXPECT = {
    "builds": {"release": {}, "debug": {}},
    "signal": "SIGQUIT",
    "rule": "FT000",
    "subject": None,
    "container": None,
    "threads": [],
    "known": None,
}

tell()


def compute():
    table = {}
    while True:
        table[len(table) % 1000] = [float(number) for number in range(10)]  # op: setitem


for number in range(2):
    threading.Thread(target=compute, name=f"compute-{number}", daemon=True).start()
subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -QUIT {os.getpid()}"])
threading.Event().wait(20)
