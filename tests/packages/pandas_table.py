"""pandas: two threads fill one of its hash tables, and both make it larger (Cython)."""

import threading

from pandas._libs import hashtable

EXPECT = {
    "requires": (
        "pandas==3.0.3",
        "numpy==2.4.6",
        "python-dateutil==4.0.0",
        "six==1.17.0",
    ),
    "signal": ("SIGSEGV", "SIGABRT"),
    "shows": ("hashtable",),
    "race": {
        "type": "pandas._libs.hashtable.Int64HashTable",
        "operations": ("set_item", "set_item"),
    },
    "known": ("pandas#59057", None),
}


def fill(number):
    while True:
        table.set_item(number, number)
        number += 2


table = hashtable.Int64HashTable()
for number, name in enumerate(("even", "odd")):
    threading.Thread(target=fill, args=(number,), name=name).start()
