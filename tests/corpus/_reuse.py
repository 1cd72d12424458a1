"""Have the memory of dead objects used again for something else."""

import array
import time


def overwrite_pages(block):
    """Fill the emptied mimalloc pages of dead objects with numbers, in blocks of ``block`` bytes that are no objects.

    A page whose objects all died waits for QSBR, and is collected when the object heap next looks for a page.  Then the heap
    of plain buffers may have it.  Keep the result alive.
    """
    time.sleep(0.01)  # detach and attach: QSBR moves on
    looked = [bytes(size) for size in range(600, 4000, 100)]
    return looked, [array.array("Q", [0x1234] * ((block - 8) // 8)) for _ in range(8000)]
