"""gh-127946: a foreign function's argtypes are replaced without a lock."""

import ctypes

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "ctypes._FuncPtr",
    "known": "gh-127946",
}

shared = ctypes.CDLL(None).strlen
tell(object=id(shared))


def types():
    while True:
        shared.argtypes = (ctypes.c_char_p,)  # op: setattr


def read():
    while True:
        _ = shared.argtypes  # op: getattr, reads


run(types, read)
