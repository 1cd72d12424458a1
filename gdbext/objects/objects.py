"""The door: everything that other rooms ask about an object's bytes."""

from __future__ import annotations

from gdbext.objects.core import Core


class Objects(Core):
    """Decodes objects."""


__all__ = ["Objects"]
