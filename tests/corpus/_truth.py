"""What a corpus script knows about its own death, told before it dies."""

import contextlib
import json
import os
import threading

_known = {}


def tell(**facts):
    """Add facts to ``truth.json`` in the working directory; addresses are written as ``0x...``.

    >>> tell(container=id(lst), subject=id(lst[2]))
    """
    _known.update({key: hex(value) if isinstance(value, int) and value > 0xFFFF else value for key, value in facts.items()})
    with open("truth.json.new", "w") as file:
        json.dump(_known, file)
    os.replace("truth.json.new", "truth.json")


def race(*workers, copies=2):
    """Run each worker ``copies`` times for ever, each in a thread named after it; errors of the racing operation are not news.

    A worker is a function without arguments that loops over its operation; it is called again when the operation raises.
    """

    def forever(worker):
        while True:
            with contextlib.suppress(Exception):
                worker()

    threads = [
        threading.Thread(target=forever, args=(worker,), name=f"{worker.__name__}-{copy}")
        for worker in workers
        for copy in range(copies)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
