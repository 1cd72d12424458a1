"""A hang: two threads take two std::mutex in opposite orders, both attached."""

import threading

import mutex_pair

EXPECT = {
    "hang": 3,
    "rule": "FT303",
    "confidence": ("proven", "likely"),
    "threads": ("there", "back"),
    "shows": ("account_transfer",),
    "never": ("nothing wrong found",),
    "fails": {},
}

if __name__ == "__main__":
    one, two = mutex_pair.Account(), mutex_pair.Account()
    threading.Thread(target=one.transfer, args=(two,), name="there").start()
    threading.Thread(target=two.transfer, args=(one,), name="back").start()
    print("READY", flush=True)
