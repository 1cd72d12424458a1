"""What a corpus script knows about its own death, told before it dies."""

import json
import os
import threading

_known = {}


def tell(**facts):
    """Add facts to ``truth.json`` in the working directory; addresses are written as ``0x...``.

    >>> tell(container=id(lst), subject=id(lst[2]))
    """
    _known.update({key: _readable(value) for key, value in facts.items()})
    with open("truth.json.new", "w") as file:
        json.dump(_known, file)
    os.replace("truth.json.new", "truth.json")


def lives():
    """The last line of a script that does damage which an interpreter may survive: it ends before
    finalization, or another check, dies of the same damage in another way.
    """
    os._exit(0)


def _readable(value):
    if isinstance(value, list):
        return [_readable(item) for item in value]
    return hex(value) if isinstance(value, int) and value > 0xFFFF else value


def run(*workers, copies=2):
    """Run each worker ``copies`` times for ever, each in a thread named after it; says READY when
    all have begun.

    A worker is a function without arguments that loops over its operation.  What it raises is no
    news; it is called again. Only an iterator that has come to its end will not crash any more:
    then the process ends, and the lab tries again.
    """
    begun = threading.Barrier(len(workers) * copies + 1)

    def forever(worker):
        begun.wait()
        while True:
            try:
                worker()
            except StopIteration:
                os._exit(0)
            except Exception:
                continue

    for worker in workers:
        for copy in range(copies):
            threading.Thread(
                target=forever, args=(worker,), name=f"{worker.__name__}-{copy}"
            ).start()
    begun.wait()
    print("READY", flush=True)
    threading.Event().wait()
