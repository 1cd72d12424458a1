"""gh-157079: Word counts of many documents into one Counter, as a service would do it."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": "Counter",
    "known": "gh-157079",
}


class Statistics:
    def __init__(self):
        self.words = Counter(a=10**20)

    def add(self, text):
        self.words.update(text)  # op: update or count_elements

    def reset(self):
        for word in "abcd":
            self.words[word] = random.randrange(10**20, 10**30)  # op: setitem


statistics = Statistics()
tell(object=id(statistics.words))
texts = [["a", "b", "c", "d"] * 200 for _ in range(50)]


def client(number):
    while True:
        if number % 3:
            for text in texts:
                statistics.add(text)
        else:
            statistics.reset()


with ThreadPoolExecutor(max_workers=6) as pool:
    list(pool.map(client, range(6)))
