"""Sentences: the only place where a claim becomes English.

Everything below this package speaks in values, a :class:`gdbext.model.Claim` each.  Here every kind
of claim has its sentence: a template with the arguments by name, or a function where grammar is
needed.  Nothing reads a sentence back.

A template formats its arguments so: ``{type}`` as it is, ``{type:a}`` with its article ("an int"),
``{count:block}`` as a number of things ("1 block", "2 blocks"), an address or another word of
memory in hex.  Arguments called ``slot`` ("item 3"), ``subscript`` ("[3]") or ``label`` ("3") are a
:data:`gdbext.model.Slot`.  A kind without a sentence here may bring one as its argument
``template``, so that a rule can be tried out as one file; what stays in gdbext has its sentence
here.

>>> sentence(Claim("type-is", type="list"))
'ob_type is list'
>>> sentence(Claim("moon-seen", template="{count:moon} over {type:a}", count=2, type="int"))
'2 moons over an int'
>>> sentence(Claim("inside-block", object=Claim("an-object"), start=Address(64)))
'inside the block of an object at 0x40'
"""

from __future__ import annotations

from gdbext.model import Address, Argument, Claim, Operation
from gdbext.target.cython import python_name
from gdbext.wording import allocator, diagnosis, locks, objects
from gdbext.wording.grammar import Number, Phrase, Sentence, Word
from gdbext.wording.operations import operation_text
from gdbext.wording.slots import slot_label, slot_name, subscript

SENTENCES: dict[str, Sentence] = {
    **objects.SENTENCES,
    **allocator.SENTENCES,
    **locks.SENTENCES,
    **diagnosis.SENTENCES,
}
"""Every kind of claim, and how it is said."""

TEMPLATE = "template"
"""The argument by which a claim of a kind that has no sentence here brings its own: a
new rule's.
"""
FUNCTIONS = ("function", "caller")
"""Arguments that are functions: Cython's are called as its author calls them."""
SLOTS = {"slot": slot_name, "subscript": subscript, "label": slot_label}


def sentence(claim: Claim | str | None) -> str:
    """The claim in English, without a full stop.  A text that is one already stays as it is."""
    if claim is None or isinstance(claim, str):
        return claim or ""
    words = {name: _word(value, name) for name, value in claim.arguments}
    said = SENTENCES.get(claim.kind) or str(words.pop(TEMPLATE, ""))
    if not said:
        return repr(claim)
    return said.format(**words) if isinstance(said, str) else said(**words)


def _word(value: Argument, name: str = "") -> Word:
    """An argument as a template formats it."""
    if name in SLOTS:
        return Phrase(SLOTS[name](value))  # type: ignore[arg-type]  # by the argument's name
    if isinstance(value, Claim):
        return Phrase(sentence(value))
    if isinstance(value, Operation):
        return Phrase(operation_text(value))
    if isinstance(value, tuple):
        return tuple(_word(part) for part in value)
    if isinstance(value, int) and not isinstance(value, (bool, Address)):
        return Number(value)
    if isinstance(value, str):
        return Phrase(python_name(value) if name in FUNCTIONS else value)
    return value


__all__ = ["SENTENCES", "sentence"]
