"""lz4: threads begin frames in one compression context."""

import contextlib
import os
import threading

import lz4.frame

EXPECT = {
    "requires": ("lz4==4.4.5",),
    "signal": ("SIGSEGV", "SIGABRT"),
    "headline": ("LZ4",),
    "race": {"type": "PyCapsule", "operations": ("compress", "compress")},
    "known": None,
}


def compress():
    while True:
        with contextlib.suppress(RuntimeError):
            lz4.frame.compress_begin(context)
            lz4.frame.compress_chunk(context, data)
            lz4.frame.compress_flush(context)


context = lz4.frame.create_compression_context()
data = os.urandom(1 << 16) * 2
for name in ("first", "second", "third"):
    threading.Thread(target=compress, name=name).start()
