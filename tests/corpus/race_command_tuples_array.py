"""Workers take (function, arguments) off a queue.Queue, and call one with the other."""

import array
import queue
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

shared = array.array("i", range(500))
tell(object=id(shared))
more = array.array("i", range(3000))
commands = queue.Queue(maxsize=400)


def serves():
    while True:
        function, arguments = commands.get()
        try:
            for _ in range(20):
                function(*arguments)  # op: extend or tolist or clear or array or call
        except (IndexError, BufferError):
            pass
        commands.task_done()


for number in range(4):
    threading.Thread(target=serves, name=f"serves-{number}").start()
while True:
    commands.put((shared.extend, (more,)))
    commands.put((shared.tolist, ()))
    commands.put((shared.clear, ()))
