"""What a crash was, and what shows it."""

from __future__ import annotations

from gdbext.wording.allocator import filled
from gdbext.wording.grammar import Sentence, Word


def still_held(subscript: Word, type: Word, holder: Word, name: Word) -> str:
    """Who still has an object that is gone, and what the program calls that."""
    called = f" ({name})" if name else ""
    return f"still held by {subscript} of {type} {holder}{called}"


SENTENCES: dict[str, Sentence] = {
    "finding": "{rule}: {detail}",
    # Evidence.
    "field-now": "its field {label} now",
    "named-verdict": "{verdict} ({owner})",
    "read-from-fill": filled("the pointer was read from memory that is {fill}: it is that fill"),
    "still-held": still_held,
    # Details of findings.
    "broken-field": "{object}: {flaw}",
    "header-impossible": "the header of {object} is impossible: {problem}",
    "null-in": "{slot} of {type:a} is NULL",
}
