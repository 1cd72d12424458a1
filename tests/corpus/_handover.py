"""Stop a thread in the middle of union_repr(), let another one act, go on.

union_repr() asks each member of the union for ``__origin__``.  A member whose metaclass answers in
Python can wait there.
"""

import threading


class Handover:
    """A point in one thread's ``repr()`` where another thread takes its turn.

    >>> turn = Handover()
    >>> lst = [turn.member() | int]
    >>> turn.start(reader); turn.take(); lst.clear(); turn.give_back()
    """

    def __init__(self):
        self._taken, self._given_back = threading.Event(), threading.Event()
        self._lives = threading.Event()
        self._armed = False

    def member(self):
        """A class whose first ``__origin__`` lookup in the reader hands over."""

        class Meta(type):
            def __getattr__(cls, name):
                if self._armed and name == "__origin__":
                    self._armed = False
                    self.hand_over()
                raise AttributeError(name)

        return Meta("Member", (), {})

    def hand_over(self):
        """In the reader: the other thread's turn, until it gives back."""
        self._taken.set()
        self._given_back.wait()

    def start(self, function):
        """Run ``function`` in a thread of its name; it will hand over."""

        def armed():
            self._armed = True
            try:
                function()
            finally:
                self._lives.set()

        threading.Thread(target=armed, name=function.__name__, daemon=True).start()

    def take(self):
        """In the other thread: wait until it is its turn."""
        self._taken.wait()

    def give_back(self):
        """In the other thread: the reader goes on, and dies; or lives, where the interpreter is
        mended.
        """
        self._given_back.set()
        self._lives.wait(20)
