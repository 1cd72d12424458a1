"""A C++ global drops a Python object when the process exits, after the interpreter has gone."""

import exit_destructor

EXPECT = {
    "signal": ("SIGSEGV", "SIGABRT"),
    "rule": "FT305",
    "headline": ("Holder::~Holder",),
    "shows": ("Holder::~Holder", "exit"),
    "advice": ("exit",),
    "fails": {},
}


class Settings:
    def __init__(self):
        self.values = {"a": [1]}


if __name__ == "__main__":
    exit_destructor.configure(Settings())
