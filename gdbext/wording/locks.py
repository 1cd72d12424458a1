"""Who holds which lock, who waits for whom, and what is wrong with that."""

from __future__ import annotations

from gdbext.wording.grammar import Number, Phrase, Sentence, Word, in_seconds

MUTEX_STATES = {
    0: "unlocked",
    1: "locked",
    2: "unlocked, with parked waiters",
    3: "locked, with parked waiters",
}


def _mutex(bits: int) -> str:
    """A mutex byte in words.

    >>> _mutex(3), _mutex(0xDD)
    ('locked, with parked waiters', 'impossible value 0xdd')
    """
    return MUTEX_STATES.get(bits, f"impossible value {bits:#x}")


def _threads(count: Number) -> str:
    if not count:
        return "no thread is"
    return "1 thread is" if count == 1 else f"{count} threads are"


def _thread(lwp: Number | None, name: Phrase | None, in_short: bool) -> str:
    if not name:
        return f"LWP {lwp}"
    return f'"{name}"' if in_short else f'"{name}" (LWP {lwp})'


def _lock(lock: Phrase, name: Phrase | None, thread: Number | None, address: Word | None) -> str:
    at = "" if address is None else f" {address}"
    if lock == "object's mutex":
        return f"mutex of {name}{at}"
    if lock == "end of a thread":
        name = Phrase(f"of LWP {thread}" if thread else f"with ident {name}")
    return f"{lock} {name}{at}" if name else f"{lock}{at}"


def _cycle(count: Number, steps: tuple[Phrase, ...]) -> str:
    return f"a cycle of {count} threads waiting for each other's locks: {'; '.join(steps)}"


def _livelock(count: Number, steps: tuple[Phrase, ...]) -> str:
    return f"{_threads(count)} trying for each other's locks: {'; '.join(steps)}"


SENTENCES: dict[str, Sentence] = {
    "thread": _thread,
    "lock": _lock,
    # Who holds and who waits.
    "section-has-mutex": "an active critical section of LWP {lwp} has the mutex",
    "mutex-is": lambda bits: f"the mutex is {_mutex(bits)}",
    "took": lambda function, lwp, line, how: f"{function} (LWP {lwp}, line {line or '?'}) {how}",
    "inside-with": "is inside `with` of it: __exit__ is on its value stack",
    "inside-with-generator": (
        "is inside `with` of a generator ({generator}) that is inside `with` of it"
    ),
    "inside-with-object": "is inside `with` of an object that holds it ({object})",
    "acquired-earlier": "has acquired it on an earlier line, and not released it since",
    "waits-for-end-of": "the thread that is waited for is LWP {lwp}",
    "still-attached": "LWP {lwp} is still attached (its state is 1)",
    "stop-requested-by": "LWP {lwp} asked for the world to stop",
    "stop-requested": "a stop of the world is requested (`requested` is 1)",
    "gil-taken-by": "the GIL is locked, and LWP {lwp} took it last",
    "pthread-mutex-owner": "as a pthread mutex it is locked by LWP {lwp}",
    "lock-owner": "its owner is {owner}",
    "parked": "wait_entry on the stack of LWP {lwp} is parked on this address",
    "sleeps-on-futex": "LWP {lwp} sleeps in the kernel on the futex at this address (rdi)",
    "tries-to-acquire": "{function} (LWP {lwp}) tries to acquire this lock",
    # Problems.
    "waiters-forgotten": lambda lock, bits, count: (
        f"the {lock} is {_mutex(bits)}, but {_threads(count)} parked on it: nothing will wake them"
    ),
    "section-without-lock": lambda lock, bits: (
        f"a thread is in a critical section of the {lock}, which is {_mutex(bits)}"
    ),
    "owner-exited": "the owner of {lock} has exited without releasing it",
    "waits-for-own-lock": "{thread} waits for {lock}, which it holds itself",
    "wait-cycle": _cycle,
    "waits-for-holder": "{waiter} waits for {lock}, held by {holder} ({how})",
    "cycle-but-for-one": (
        "{thread} waits for {lock}, whose holder is not recorded; {step}; "
        "if {waiter} has the first, they wait for each other"
    ),
    "dead-end": (
        "{thread} waits for {lock}, whose holder is not recorded, and no thread is left that "
        "could unlock it: each waits for it, or for one that does"
    ),
    "tries-for-holder": "{waiter} tries for {lock}, held by {holder} ({how})",
    "stopper-waits": (
        "the thread that stopped the world waits for {lock}, "
        "and whoever could release it is stopped"
    ),
    "waits-attached": "{thread} waits for {lock} without having detached",
    "sleeps-attached": "{thread} sleeps in {call}() without having detached",
    # The process as a whole.
    "livelock": _livelock,
    "stopping": lambda count: f"a stop of the world is going on; {_threads(count)} still attached",
    "over-time": lambda seconds, state: (
        f"it had not ended after {in_seconds(seconds)}" + (f"; {state}" if state else "")
    ),
    "threads-running": lambda count: f"{_threads(count)} running",
    "none-waits": ("no thread waits for a lock or an event: each is in a system call or in C code"),
    "waiting": lambda count: f"no deadlock found; {_threads(count)} waiting for locks or events",
    "wait-for-unknown": lambda count: (
        f"{_threads(count)} waiting for locks whose holders are not recorded"
    ),
    "waiting-for-unknown": lambda count, lock: (
        f"{_threads(count)} waiting; who holds {lock} is not known, so a deadlock is possible"
    ),
}
