"""What a crash shows that a race on an object need not, or cannot, have left behind."""

from __future__ import annotations

from gdbext.frozen import dataclass
from gdbext.model import Claim


@dataclass(frozen=True, kw_only=True)
class RaceDoubts:
    """Why a race that fits by its threads and operations may not be what the process died of."""

    of_all: Claim | None = None
    """Of every race that the crashed thread is in."""
    written_over: int | None = None
    """The live object of which a field, or a slot of the array that it has now, is a word that
    cannot be a pointer."""
    still_holds: int | None = None
    """The live container that still has what its reader came to grief with: an object that is dead,
    a NULL, something that never was an object."""
    of_bystanders: Claim | None = None
    """Of every race that the crashed thread takes no part in, where the heap is damaged."""
    extension: str | None = None
    """The extension's function that the crashed thread is in."""
    is_item_lost: bool = False
    """An object died while the crashed thread had it."""
