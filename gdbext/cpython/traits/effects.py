"""What an operation does to its object."""

from __future__ import annotations

import enum


class Effect(str, enum.Enum):
    """Reads the object, changes it, replaces its storage, or initialises it again."""

    READ = "read"
    WRITE = "write"
    RESIZE = "resize"
    """Replaces or frees the object's storage, or drops references that it holds."""
    REINIT = "reinit"
    UNKNOWN = "unknown"
    """A method of a C type of which it is not known whether it only reads."""

    def __str__(self) -> str:
        return self.value

    @property
    def changes(self) -> bool:
        """Whether the object is another one afterwards, as far as is known."""
        return self in (Effect.WRITE, Effect.RESIZE, Effect.REINIT)
