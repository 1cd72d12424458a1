"""xxhash: a hash is updated while another thread resets and copies it."""

import threading

import xxhash

EXPECT = {
    "requires": ("xxhash==3.8.2",),
    "signal": ("SIGSEGV", "SIGABRT"),
    "shows": ("_xxhash",),
    "race": {"type": "xxhash.xxh3_128", "operations": ("update", "reset", "copy", "hexdigest")},
    "known": None,
    "fails": {"sections that failed": "a thread state that was written over has lost its frames"},
}


def updater():
    while True:
        state.update(b"x" * 77)


def resetter():
    while True:
        state.reset()
        state.copy()
        state.hexdigest()


state = xxhash.xxh3_128()
for work, name in ((updater, "first"), (updater, "second"), (resetter, "resetter")):
    threading.Thread(target=work, name=name).start()
