"""Which family an object belongs to.

A name alone proves nothing: Python code may call its class what it likes.  A type belongs to a
family when it, or the nearest of its bases, is a type made in C with the family's name, whose
instances are large enough for the family's struct.
"""

from __future__ import annotations

from collections.abc import Mapping

from gdbext.cpython.objects import (
    aliases,
    codes,
    deques,
    dictlikes,
    functions,
    methods,
    modules,
    queues,
    sequences,
    sets,
    slotted,
    texts,
)
from gdbext.cpython.objects import numbers as numbers_
from gdbext.cpython.objects.classes import TypeFamily
from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.family import Family
from gdbext.cpython.objects.types import SUBCLASS_BITS, TypeInfo


class OtherFamily(Family):
    """Instances that have nothing but what their classes give them, and C types that are not known
    here.
    """

    names = ("object",)
    shows_overridden = False


OTHER = OtherFamily()

FAMILIES: tuple[Family, ...] = (
    TypeFamily(),
    sequences.ListFamily(),
    sequences.TupleFamily(),
    sets.SetFamily(),
    texts.StrFamily(),
    texts.BytesFamily(),
    texts.ByteArrayFamily(),
    numbers_.IntFamily(),
    numbers_.FloatFamily(),
    numbers_.ComplexFamily(),
    *dictlikes.FAMILIES,
    *aliases.FAMILIES,
    *functions.FAMILIES,
    *methods.FAMILIES,
    *codes.FAMILIES,
    *modules.FAMILIES,
    *deques.FAMILIES,
    *queues.FAMILIES,
    *slotted.FAMILIES,
)
BY_NAME: Mapping[str, Family] = {name: family for family in FAMILIES for name in family.names}


def family_named(name: str) -> Family | None:
    """The family of a type's ``tp_name``: ``list``, ``types.UnionType``."""
    return BY_NAME.get(name)


def family_of(core: Core, info: TypeInfo) -> Family:
    """The family that instances of the type belong to."""
    for base in core.bases(info):
        family = BY_NAME.get(base.name)
        if family is None or base.is_python_class or not family.fits(core, base):
            continue
        return family
    # The chain of bases is damaged: the flags still tell.
    flagged = (BY_NAME[name] for name in SUBCLASS_BITS if info.is_subclass(name))
    return next((family for family in flagged if family.fits(core, info)), OTHER)
