"""numpy: an item of an array of objects is replaced while another thread takes it."""

import threading

import numpy

EXPECT = {
    "requires": ("numpy==2.4.6",),
    "signal": ("SIGSEGV", "SIGABRT"),
    "race": {"type": "numpy.ndarray", "operations": ("getitem", "setitem")},
    "known": None,
}


def reader():
    while True:
        repr(array[0])


def writer():
    while True:
        array[0] = object()


array = numpy.array([object() for _ in range(8)], dtype=object)
for work in (reader, writer):
    threading.Thread(target=work, name=work.__name__).start()
