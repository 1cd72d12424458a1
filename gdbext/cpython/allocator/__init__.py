"""Is this address alive?

The allocator's own records answer: mimalloc's pages and free lists, CPython's freelists and queues.

The public API is :class:`gdbext.cpython.allocator.heap.Heap`.  Below it, one file for each record:
``mimalloc`` (heaps, segments), ``pages`` and ``page_free_lists`` (blocks), ``debug_hooks``,
``object_freelists`` (CPython's caches of dead objects), ``queues`` (frees and merges that wait);
``records`` has them all.  Above those, ``judge`` (and ``occupant`` for blocks in use) puts one
answer together, ``census`` does it for whole pages, and ``scan``, ``referrers`` and ``orphans`` go
through all of memory (``sweep``).
"""
