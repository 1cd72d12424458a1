"""Pillow: an image over memory of ctypes, which is given back under it."""

import ctypes
import mmap

from PIL import Image

EXPECT = {
    "requires": ("pillow==12.2.0",),
    "signal": "SIGSEGV",
    "rule": "FT404",
    "shows": ("_imaging",),
    "race": None,
    "known": None,
}
SIZE = 1 << 20

libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
address = libc.mmap(
    None, ctypes.c_size_t(SIZE), mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | 0x20, -1, 0
)
memory = (ctypes.c_char * SIZE).from_address(address)
image = Image.frombuffer("L", (1024, 1024), memory, "raw", "L", 0, 1)
libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(SIZE))
image.tobytes()
