"""multidict: keys are added and listed while another thread clears."""

import contextlib
import threading

import multidict

EXPECT = {
    "requires": ("multidict==6.7.0",),
    "signal": ("SIGSEGV", "SIGABRT"),
    "race": {
        "type": "multidict._multidict.MultiDict",
        "operations": ("add", "clear", "list", "items"),
    },
    "known": None,
}


def adder():
    while True:
        for number in range(50):
            headers.add(f"key{number}", number)


def clearer():
    while True:
        headers.clear()


def reader():
    while True:
        with contextlib.suppress(RuntimeError):
            list(headers.items())


headers = multidict.MultiDict()
for work in (adder, clearer, reader):
    threading.Thread(target=work, name=work.__name__).start()
