"""marisa-trie: a trie is searched while another thread loads it again (Cython)."""

import contextlib
import threading

import marisa_trie

EXPECT = {
    "requires": ("marisa-trie==1.4.1",),
    "signal": ("SIGSEGV", "SIGABRT"),
    "shows": ("marisa_trie",),
    "race": {"type": "marisa_trie.Trie", "operations": ("keys", "frombytes")},
    "known": None,
}


def reader():
    while True:
        with contextlib.suppress(RuntimeError):
            trie.keys("key1")


def loader():
    while True:
        trie.frombytes(data)


trie = marisa_trie.Trie([f"key{number}" for number in range(2000)])
data = trie.tobytes()
for work in (reader, loader):
    threading.Thread(target=work, name=work.__name__).start()
