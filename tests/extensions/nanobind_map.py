"""A C++ map of a nanobind object is changed by several threads; the module has no symbols."""

import threading

import nanobind_map

EXPECT = {
    "flags": ("-g0", "-s"),
    "signal": ("SIGSEGV", "SIGABRT"),
    "race": {"type": "nanobind_map.Registry", "operations": ("set", "get", "drop")},
    "shows": ("nanobind_map",),
    "known": None,
    "fails": {},
}


def fill(start):
    while True:
        for number in range(start, start + 300):
            handlers.set(f"handler{number}", [number])
        for number in range(start, start + 300):
            handlers.drop(f"handler{number}")


def look():
    while True:
        for number in range(600):
            handlers.get(f"handler{number}")


if __name__ == "__main__":
    handlers = nanobind_map.Registry()
    for name, start in (("first", 0), ("second", 300)):
        threading.Thread(target=fill, args=(start,), name=name).start()
    threading.Thread(target=look, name="look").start()
