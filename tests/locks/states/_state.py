"""Bring a process into a known state of locks, tell what is true of it, and have it killed from
outside.
"""

import gc
import json
import os
import subprocess
import threading
import time

_threads = {}
_objects = {}
# Whatever stops the world would suspend the critical sections that a script has built up:
# collections, starting processes.
gc.disable()
_killer = subprocess.Popen(
    ["sh", "-c", "read pid seconds; sleep $seconds; kill -ABRT $pid"], stdin=subprocess.PIPE
)


def start(function, name=None):
    """Run ``function`` in a daemon thread that the truth knows by its name."""
    begun = threading.Event()

    def run():
        _threads[thread.name] = threading.get_native_id()
        begun.set()
        function()

    thread = threading.Thread(target=run, name=name or function.__name__, daemon=True)
    thread.start()
    begun.wait()
    return thread


def know(**objects):
    """Name objects in the truth."""
    _objects.update({name: hex(id(value)) for name, value in objects.items()})


def settle(seconds=0.3):
    """Tell the truth, and die of SIGABRT that long after this call has returned; the caller may
    still block.
    """
    _threads["MainThread"] = threading.get_native_id()
    with open("truth.json", "w") as file:
        json.dump({"threads": _threads, "objects": _objects}, file)
    os.write(_killer.stdin.fileno(), f"{os.getpid()} {seconds}\n".encode())


def rest(seconds=0.3):
    """:func:`settle`, and sleep until it is over."""
    settle(seconds)
    while True:
        time.sleep(60)
