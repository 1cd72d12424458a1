"""Is this address alive?  The allocator's own records answer: mimalloc's pages and free lists, CPython's freelists and queues.

:class:`gdbext.heap.heap.Heap` is the door.  Below it, one file for each keeper of memory: ``mimalloc`` (heaps, segments),
``pages`` and ``free_lists`` (blocks), ``debug_hooks``, ``freelists`` (CPython's caches of dead objects), ``queues`` (frees
and merges that wait).  Above those, ``verdict`` puts one answer together, ``census`` does it for a page at a time, and
``scan``, ``referrers`` and ``orphans`` look at the whole heap.
"""
