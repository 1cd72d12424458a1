"""A callback that is called with an object's mutex held asks for it again; without symbols."""

import threading

import stripped_callback

EXPECT = {
    "flags": ("-g0", "-s"),
    "hang": 3,
    "rule": "FT303",
    "headline": ("stripped_callback.Topic",),
    "shows": ("PyMutex_Lock", "stripped_callback.cpython", "news.subscribe(print)"),
    "advice": ("callback",),
    "race": None,
    "known": None,
    "fails": {},
}


def late(value):
    print("READY", flush=True)
    news.subscribe(print)


def publisher():
    news.publish(1)


def other():
    news.publish(2)


if __name__ == "__main__":
    news = stripped_callback.Topic()
    news.subscribe(late)
    for work in (publisher, other):
        threading.Thread(target=work, name=work.__name__).start()
