"""Two threads set one attribute of an extension's object, whose setter takes no lock."""

import threading

import setter_race

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "build": "debug",
    "rule": None,
    "race": {"type": "setter_race.Cell", "operations": ("value", "value"), "confidence": "likely"},
    "known": None,
    "advice": ("lock",),
    "fails": {},
}


def replace():
    while True:
        cell.value = [1, 2, 3]


if __name__ == "__main__":
    cell = setter_race.Cell()
    threads = [threading.Thread(target=replace, name=name) for name in ("left", "right", "third")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
