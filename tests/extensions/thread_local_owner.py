"""A C++ thread_local drops a Python object while its thread exits, after its state is gone."""

import threading

import thread_local_owner

EXPECT = {
    "signal": ("SIGABRT", "SIGSEGV"),
    "rule": "FT305",
    "headline": ("Session::~Session",),
    "shows": ("Session::~Session", "exiting"),
    "advice": ("exit",),
    "fails": {},
}


class Cookie:
    def __init__(self):
        self.crumbs = bytearray(100)


if __name__ == "__main__":
    for _ in range(50):
        thread = threading.Thread(target=lambda: thread_local_owner.login(Cookie()))
        thread.start()
        thread.join()
