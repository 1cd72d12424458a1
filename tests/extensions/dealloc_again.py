"""tp_dealloc gives the dying object away; dropping that reference runs tp_dealloc again."""

import threading

import dealloc_again

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": ("FT102", "FT104", "FT105"),
    "type": "dealloc_again.Handle",
    "shows": ("dealloc_again.Handle",),
    "advice": ("twice",),
    "race": None,
    "known": None,
    "fails": {},
}


def closed(handle):
    pass


def work():
    while True:
        kept = [dealloc_again.Handle(closed) for _ in range(20)]
        kept.clear()


if __name__ == "__main__":
    threading.Thread(target=work, name="worker").start()
