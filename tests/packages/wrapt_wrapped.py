"""wrapt: a proxy is used while another thread gives it something else to wrap."""

import threading

import wrapt

EXPECT = {
    "requires": ("wrapt==2.0.1",),
    "signal": ("SIGSEGV", "SIGABRT"),
    "race": {"type": "ObjectProxy", "operations": ("repr", "wrapped", "len")},
    "known": None,
}


def reader():
    while True:
        repr(proxy.__wrapped__)
        len(proxy)


def writer():
    while True:
        proxy.__wrapped__ = [1, 2]


proxy = wrapt.ObjectProxy([1])
for work in (reader, writer):
    threading.Thread(target=work, name=work.__name__).start()
