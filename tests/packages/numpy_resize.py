"""numpy: an array is summed while another thread gives its memory back (``resize``)."""

import threading

import numpy

EXPECT = {
    "requires": ("numpy==2.4.6",),
    "signal": ("SIGSEGV", "SIGABRT"),
    "headline": ("pairwise_sum",),
    "race": {"type": "numpy.ndarray", "operations": ("sum", "resize")},
    "known": None,
}


def reader():
    while True:
        array.sum()


def writer():
    while True:
        array.resize(16, refcheck=False)
        array.resize(1 << 20, refcheck=False)


array = numpy.zeros(1 << 20)
for work in (reader, writer):
    threading.Thread(target=work, name=work.__name__).start()
