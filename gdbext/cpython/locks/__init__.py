"""Who holds which lock, and who waits for whom: CPython's mutexes, critical sections, Python's
locks, stopping the world.

:class:`gdbext.cpython.locks.locks.Locks` answers.  Below it, one file for each thing that a
stopped process shows: ``mutex`` (a lock's bits), ``parking_lot`` and ``system_calls`` (who waits,
and where), ``critical_sections`` and ``with_blocks`` (who holds), ``python_locks`` and ``places``
(what a lock's address belongs to), ``stop_the_world``. ``graph`` finds cycles; ``problems`` says
what is wrong.
"""
