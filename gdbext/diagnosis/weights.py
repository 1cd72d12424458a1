"""Every number that ranks races and known issues.

They were chosen by hand, and validated by measuring how often the race, its lines and its issue are
right on the corpus's races, and on scripts that nobody had seen when they were chosen::

    scripts/accuracy --only races --runs 10

Whoever changes one runs that before and after.
"""

from __future__ import annotations

from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.facts.accesses import Proximity

# --- one access: how near the thread is, times what it does ---------------------------------------

NEARNESS = {
    Proximity.INSIDE: 4.0,
    Proximity.AT: 3.5,
    Proximity.LINE: 3.0,
    Proximity.LOOP: 2.0,
    Proximity.FUNCTION: 1.0,
    Proximity.INTERNAL: 1.2,
    Proximity.EARLIER: 0.0,
}
DAMAGE = {
    Effect.RESIZE: 1.0,
    Effect.REINIT: 1.0,
    Effect.WRITE: 0.9,
    Effect.UNKNOWN: 0.6,
    Effect.READ: 0.35,
}

# --- two accesses to one object: their product, times what speaks for or against a race -----------

GUARDED = 0.15
"""For an object that both operations lock, or that a mutex held by one of the threads protects."""
UNCHANGED = 0.4
"""For an object that several threads do the same to, of which it is not known that it changes the
object.
"""
TAKES_PART = 2.0
"""For an object that the crashed thread works on.

A victim of old damage is most often one of those at fault, too."""
FITS = 2.0
"""For an object of the type whose own C code failed."""
MODULE = 0.1
"""For a module whose functions two threads run: what state they share cannot be seen, if there is
any.
"""
MADE_TO_BE_SHARED = 0.02
"""For locks, events and the like."""
DIFFERENT = 0.15
"""A thread that does something else than the one that changes the object is its opponent rather.

It must be at least so near, compared with the nearest."""
MIN_SCORE = 0.1
"""Below are locks that threads wait for, and objects that both lock and no Python code names.

They are not suspects at all."""
CLEAR_SCORE = 3.0
"""From here on a race is ``likely``, if a thread is inside the object's C code and nothing guards
it.
"""

# --- one pattern of a known issue: the sum of what a crash shows of it ----------------------------

OBJECT = 3.0
SUBJECT = 1.5
"""Instead of the object: the type of what was lost."""
OPERATION_GROUP = 1.0
MAX_OPERATION_GROUPS = 2
RACING_OPERATION = 2.0
MAX_RACING_OPERATIONS = 2
ATTRIBUTE = 2.0
FUNCTIONS = 2.0
MAX_FUNCTIONS = 3.0
IN_MODULE = 1.5
PYTHON_FUNCTION = 2.0
RULE = 1.0
ASSERTION = 6.0
MESSAGE = 3.0
QUOTED_FRAMES = 6.0
REPORTED = 1.0
"""The issue is reported for this version."""
FUNCTIONS_ALONE = 1.5
"""How much functions of the crashed operation must tell to be enough."""
FUNCTIONS_WITH_MORE = 0.5
"""The same, with an object, a module or operations beside them."""
FUNCTIONS_NEAR = 0.3
"""The same, to be worth a word."""
