"""Says at which addresses its objects are, and then does what the test stops it in the
middle of.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys


class Node:
    pass


gc.disable()
victim = [object(), 1.5]
ring = Node()
ring.me = ring
ring.items = [ring]
alive = [1, 2, 3]
with open(sys.argv[1], "w") as file:
    json.dump(
        {"victim": id(victim), "ring": id(ring), "items": id(ring.items), "alive": id(alive)}, file
    )
os.kill(os.getpid(), signal.SIGTRAP)
del victim
del ring
gc.collect()
