"""An object closes the memory that it has exported while another thread reads a view of it."""

import threading
import time

import exporter_closed

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT102",
    "confidence": "likely",
    "headline": ("memory that an exporter_closed.Store exported",),
    "threads": ("read", "close"),
    "race": {
        "type": "exporter_closed.Store",
        "operations": ("getitem", "close"),
        "confidence": "likely",
    },
    "advice": ("bf_releasebuffer",),
    "victim": False,
    "known": None,
}


def read():
    while True:
        view[5000]


def close():
    time.sleep(0.3)
    store.close()


if __name__ == "__main__":
    store = exporter_closed.Store()
    view = memoryview(store)
    threads = [threading.Thread(target=run, name=run.__name__) for run in (read, close)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
