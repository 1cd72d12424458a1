"""Type parameters that are taken once, by whoever comes first."""

import threading

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("generic_alias_iterator", "types.GenericAlias"),
    "known": "gh-154043",
}


class Once:
    def __init__(self, kind):
        self.offer = iter(list[kind])

    def take(self):
        return (*self.offer,)  # op: unpack or next or iterate or list or extend


class Market:
    goods = Once(int)


def buyer():
    while True:
        goods = Market.goods
        goods.take()
        if threading.get_ident() % 3 == 0:
            Market.goods = Once(str)
        else:
            Market.goods = Once(bytes)


for number in range(6):
    threading.Thread(target=buyer, name=f"buyer-{number}").start()
