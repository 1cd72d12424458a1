"""A journal's rows are written with marshal.dump, while a pool appends and drops rows."""

import io
import marshal
import threading
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": "gh-151370",
}


class Journal:
    def __init__(self):
        self.rows = [[str(number) * 3] for number in range(50)]

    def save(self):
        target = io.BytesIO()
        marshal.dump(self.rows, target)  # op: dump, reads
        return target.tell()

    def rotate(self, number):
        del self.rows[:25]  # op: delitem
        for part in range(25):
            self.rows.append([str(number + part) * 3])  # op: append


journal = Journal()
tell(object=id(journal.rows))


def saves():
    while True:
        journal.save()


for number in range(2):
    threading.Thread(target=saves, name=f"saver-{number}").start()
with ThreadPoolExecutor(3) as pool:
    while True:
        for future in [pool.submit(journal.rotate, number) for number in range(100)]:
            future.result()
