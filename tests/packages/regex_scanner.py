"""regex: threads take matches from one scanner."""

import threading

import regex

EXPECT = {
    "requires": ("regex==2026.8.31",),
    "signal": ("SIGSEGV", "SIGABRT"),
    "shows": ("_regex",),
    "race": {"type": "_regex.Scanner", "operations": ("next", "next")},
    "known": None,
}


def scan():
    while True:
        try:
            next(scanner[0]).groups()
        except StopIteration:
            scanner[0] = pattern.finditer(text)


pattern = regex.compile(r"(\w+?)\s*(?:=|:)\s*(\d+)")
text = "abc = 12 de: 34 " * 50
scanner = [pattern.finditer(text)]
for name in ("first", "second", "third", "fourth"):
    threading.Thread(target=scan, name=name).start()
