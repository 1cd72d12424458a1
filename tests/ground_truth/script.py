"""Records the addresses of objects that it knows to be alive or dead, writes them to ``truth.bin``,
and aborts.

Everything is made first, then everything that is to die dies, so that few dead blocks are used
again.  ``truth.json`` names the types and the groups (how the object died); ``truth.bin`` holds one
column after the other: addresses (8 bytes each), type numbers (2), group numbers (2), states (1
byte: 0 dead, 1 alive, 2 dead array, 3 array in use).
"""

from __future__ import annotations

import array
import collections
import ctypes
import gc
import json
import os
import sys
import threading
import time
import types
import weakref

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 1300
LARGE = 8
DEAD, ALIVE, DEAD_ARRAY, ALIVE_ARRAY = range(4)
OB_ITEM = 40  # PyListObject.ob_item
ARRAY_HEADER = 8  # _PyListArray.allocated
MIB = 1 << 20


class Plain:
    pass


class Slotted:
    __slots__ = ("first", "second")


class Referable:
    __slots__ = ("__weakref__",)


class Number(int):
    pass


def generator():
    yield


def sized(size):
    return lambda i: bytes(size)


def filled(i):
    made = Plain()
    made.name = i
    return made


def failed(i):
    return ValueError(i)


# Objects of every family that has its own way of dying; all of them so made that no two are one.
MAKERS = {
    "float": lambda i: i + 0.5,
    "int": lambda i: 10**12 + i,
    "big int": lambda i: 10**90 + i,
    "str": lambda i: f"text {i}",
    "wide str": lambda i: f"\N{GREEK SMALL LETTER ALPHA} {i}",
    "complex": lambda i: complex(i, 1),
    "tuple of 1": lambda i: (i,),
    "tuple of 3": lambda i: (i, i, i),
    "tuple of 19": lambda i: tuple([i] * 19),
    "tuple of 40": lambda i: tuple([i] * 40),
    "empty list": lambda i: [],
    "list": lambda i: [i] * 9,
    "empty dict": lambda i: {},
    "dict": lambda i: {i: i, "key": i},
    "set": lambda i: {i},
    "frozenset": lambda i: frozenset((i, i + 1)),
    "instance": filled,
    "instance with slots": lambda i: Slotted(),
    "int subclass": Number,
    "union": lambda i: list[int] | tuple[i],
    "generic alias": lambda i: list[i],
    "classmethod": classmethod,
    "namespace": lambda i: types.SimpleNamespace(name=i),
    "generator": lambda i: generator(),
    "exception": failed,
    "bytearray": lambda i: bytearray(40),
    "slice": lambda i: slice(i, 1000 + i),
    "range": lambda i: range(i),
    "list iterator": lambda i: iter([i]),
    "bound method": lambda i: Plain().__init__,
    "cell": types.CellType,
    "deque": lambda i: collections.deque([i]),
    "ordered dict": lambda i: collections.OrderedDict(key=i),
    "array": lambda i: array.array("d", [i]),
    "memoryview": lambda i: memoryview(bytes(8)),
    "mapping proxy": lambda i: types.MappingProxyType({}),
    **{
        f"bytes of {size}": sized(size)
        for size in (1, 40, 60, 90, 140, 200, 300, 450, 700, 1000, 1500, 2500, 4000, 7000)
    },
}
# One object a page, or even a segment: few of them are plenty.
LARGE_MAKERS = {
    f"bytes of {size}": sized(size)
    for size in (12_000, 20_000, 50_000, 100_000, 200_000, 600_000, 2 * MIB)
}
HUGE_MAKERS = {f"bytes of {size}": sized(size) for size in (9 * MIB, 17 * MIB, 40 * MIB)}
HUGE = 2


class Truth:
    """Four columns; nothing is allocated for a row but for a moment."""

    def __init__(self):
        self.addresses, self.types = array.array("Q"), array.array("H")
        self.groups, self.states = array.array("H"), array.array("B")
        self.type_names, self.group_names = [], []

    def add(self, made, group, alive):
        for number, one in enumerate(made):
            self.row(
                id(one),
                number_of(self.type_names, tp_name(one)),
                group,
                ALIVE if alive(number) else DEAD,
            )

    def add_array(self, owner, group, state):
        item = ctypes.c_void_p.from_address(id(owner) + OB_ITEM).value
        self.row(item - ARRAY_HEADER, number_of(self.type_names, "list"), group, state)

    def row(self, address, type_number, group, state):
        self.addresses.append(address)
        self.types.append(type_number)
        self.groups.append(number_of(self.group_names, group))
        self.states.append(state)

    def write(self):
        with open("truth.json", "w") as file:
            json.dump(
                {"types": self.type_names, "groups": self.group_names, "rows": len(self.addresses)},
                file,
            )
        with open("truth.bin", "wb") as file:
            for column in (self.addresses, self.types, self.groups, self.states):
                column.tofile(file)


def number_of(names, name):
    if name not in names:
        names.append(name)
    return names.index(name)


def tp_name(one):
    """The type's ``tp_name``: with the module where it is C's own."""
    found = type(one)
    if (
        found.__flags__ & 1 << 9 and not found.__flags__ & 1 << 8
    ) or found.__module__ == "builtins":
        return found.__name__
    return f"{found.__module__}.{found.__name__}"


class Worker:
    """A thread that does one job after the other, so that its thread state lives on
    between them.
    """

    def __init__(self):
        self.jobs, self.go, self.done = [], threading.Semaphore(0), threading.Semaphore(0)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while True:
            self.go.acquire()
            job = self.jobs.pop()
            if job is None:
                return
            job()
            del job
            self.done.release()

    def do(self, job):
        self.jobs.append(job)
        del job
        self.go.release()
        self.done.acquire()

    def exit(self):
        self.jobs.append(None)
        self.go.release()
        self.thread.join()


def survivors_every_other(number):
    """Dead and living blocks alternate in the pages."""
    return number % 2 == 0


def survivors_first_half(number):
    """Whole pages die; ``number`` counts within one type."""
    return number < COUNT // 2


def make(count=COUNT, makers=MAKERS):
    return {name: [maker(i) for i in range(count)] for name, maker in makers.items()}


def make_large():
    return make(LARGE, LARGE_MAKERS) | make(HUGE, HUGE_MAKERS)


def record(truth, everything, group, alive):
    for made in everything.values():
        truth.add(made, group, alive)


def kill(everything, alive):
    for made in everything.values():
        for number in range(len(made)):
            if not alive(number):
                made[number] = None


def main():
    truth = Truth()
    every_other, halves = survivors_every_other, survivors_first_half

    # All are made, and written down.
    mine = make()
    record(truth, mine, "owner, every other", every_other)
    mine_in_runs = make()
    record(truth, mine_in_runs, "owner, in runs", halves)
    large = make_large()
    record(truth, large, "owner, large and huge", every_other)

    theirs = make(COUNT // 2)
    record(truth, theirs, "another thread", every_other)
    theirs_large = make_large()
    record(truth, theirs_large, "another thread, large and huge", every_other)

    orphaned, orphaned_large, dying_there = {}, {}, {}
    exiting = Worker()
    exiting.do(lambda: orphaned.update(make(COUNT // 2)))
    exiting.do(lambda: orphaned_large.update(make_large()))
    exiting.do(lambda: dying_there.update(make(COUNT // 2)))
    record(truth, orphaned, "made by a thread that exited, freed later", every_other)
    record(truth, orphaned_large, "made by a thread that exited, large and huge", every_other)
    record(truth, dying_there, "freed by a thread that exited", every_other)

    in_cycles = make(COUNT // 2)
    record(truth, in_cycles, "by the garbage collector", every_other)

    referred = [Referable() for _ in range(COUNT)]
    references = [weakref.ref(one) for one in referred]
    truth.add(referred, "with weak references", every_other)
    truth.add(references, "weak references", lambda number: True)

    unions = [list[int] | tuple[i] for i in range(COUNT)]
    truth.add(unions, "reused by another type", lambda number: False)

    waiting = [[i] * 20 for i in range(200)]
    for one in waiting:
        truth.add_array(one, "list array that waits for QSBR", DEAD_ARRAY)

    shared = [[i] * 20 for i in range(COUNT)]
    for number, one in enumerate(shared):
        truth.add_array(one, "list array", ALIVE_ARRAY if every_other(number) else DEAD_ARRAY)

    # Now the dying.  A second reference by another thread makes the counts merge, and that thread
    # the one who frees.
    helper = Worker()
    hold = []
    for made in (*theirs.values(), *theirs_large.values()):
        helper.do(
            lambda made=made: hold.append(
                [one for number, one in enumerate(made) if not every_other(number)]
            )
        )
    kill(theirs, every_other)
    kill(theirs_large, every_other)
    helper.do(lambda: hold.clear())

    # Reading from another thread marks a list as shared; from then on its old arrays wait for QSBR.
    helper.do(lambda: [one[3] for one in shared])
    for number, one in enumerate(shared):
        if not every_other(number):
            one.clear()

    exiting.do(lambda: kill(dying_there, every_other))
    exiting.exit()
    kill(orphaned, every_other)
    kill(orphaned_large, every_other)

    kill(large, every_other)
    kill(mine, every_other)
    kill(mine_in_runs, halves)
    for number in range(len(referred)):
        if not every_other(number):
            referred[number] = None

    for made in in_cycles.values():
        ring = [one for number, one in enumerate(made) if not every_other(number)]
        ring.append(ring)
        del ring
    kill(in_cycles, every_other)
    gc.collect()

    unions.clear()
    successors = [types.CellType(None) for _ in range(2 * COUNT)]
    truth.add(successors, "successors", lambda number: True)

    # A thread that never comes to a quiescent state: nothing that was freed after it began is given
    # back.
    helper.do(lambda: [one[3] for one in waiting])
    endless = threading.Thread(target=sum, args=(range(10**18),), daemon=True)
    endless.start()
    time.sleep(0.2)
    for one in waiting:
        one.clear()

    truth.write()
    os.abort()


gc.disable()
main()
