"""One object that is held in every way there is; writes its address, and aborts."""

from __future__ import annotations

import json
import os
import threading
import types

import held_elsewhere


class Target:
    pass


class Holder:
    pass


def closure(target):
    def inner():
        return target

    return inner


def waiter(target, event):
    own = target
    event.wait()
    return own


TARGET = Target()
held_elsewhere.IMPORTED = TARGET
kept_list = [None, TARGET]
kept_tuple = (1, 2, TARGET)
kept_dict = {"key": TARGET, 5: 6}
kept_set = {TARGET}
kept_cell = closure(TARGET)
kept_namespace = types.SimpleNamespace(attribute=TARGET)
kept_instance = Holder()
kept_instance.field = TARGET
event = threading.Event()
thread = threading.Thread(target=waiter, args=(TARGET, event), daemon=True)
thread.start()
while not thread.is_alive():
    pass
with open("truth.json", "w") as file:
    json.dump({"target": id(TARGET)}, file)
os.abort()
