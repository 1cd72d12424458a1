"""greenlet: suspended greenlets of two threads are dropped by a third."""

import threading

import greenlet

EXPECT = {
    "requires": ("greenlet==3.2.2",),
    "signal": ("SIGSEGV", "SIGABRT"),
    "shows": ("_greenlet",),
    "known": ("greenlet#503", None),
}


def switch():
    greenlet.getcurrent().parent.switch()


def starter():
    while True:
        started = [greenlet.greenlet(switch) for _ in range(5)]
        for each in started:
            each.switch()
        kept[:] = started


def dropper():
    while True:
        kept.clear()


kept = []
for name, work in (("first", starter), ("second", starter), ("dropper", dropper)):
    threading.Thread(target=work, name=name).start()
