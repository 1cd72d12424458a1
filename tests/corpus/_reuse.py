"""Have the memory of dead objects used again for something else."""

import ctypes
import gc
import time

allocate = ctypes.pythonapi.PyMem_Malloc
allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t]


def overwrite_pages(size):
    """Fill the emptied mimalloc pages of dead objects with numbers, in blocks of ``size`` bytes
    that are no objects.

    A page whose objects all died waits for QSBR, and is collected when the object heap next looks
    for a page.  Then the heap of plain buffers may have it.
    """
    gc.disable()  # the collector would be the first to meet the dead object
    looked = []
    for other in range(600, 4000, 100):
        time.sleep(0.001)  # detach and attach: QSBR moves on
        looked += [bytes(other) for _ in range(40)]  # the object heap looks for a page
    fill = (0x1234).to_bytes(8, "little") * (size // 8)
    for _ in range(8000):
        ctypes.memmove(allocate(size), fill, size)
