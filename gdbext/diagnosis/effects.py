"""What an operation does to its object: reads it, changes it, replaces its storage, or initialises it again."""

from __future__ import annotations

import enum

from gdbext.cpython.interpreter.operations import Operation


class Effect(str, enum.Enum):
    READ = "read"
    WRITE = "write"
    RESIZE = "resize"
    """Replaces or frees the object's storage, or drops references that it holds."""
    REINIT = "reinit"
    UNKNOWN = "unknown"
    """A method of a C type of which we do not know whether it only reads."""

    def __str__(self) -> str:
        return self.value

    @property
    def changes(self) -> bool:
        return self in (Effect.WRITE, Effect.RESIZE, Effect.REINIT)


IMMUTABLE = frozenset(
    [
        "str",
        "int",
        "float",
        "complex",
        "bytes",
        "bool",
        "NoneType",
        "tuple",
        "frozenset",
        "range",
        "code",
        "ellipsis",
        "NotImplementedType",
        "slice",
        "builtin_function_or_method",
        "method_descriptor",
        "wrapper_descriptor",
        "method-wrapper",
        "getset_descriptor",
        "member_descriptor",
        "types.UnionType",
        "types.GenericAlias",
        "datetime.datetime",
        "datetime.date",
        "datetime.timedelta",
        "decimal.Decimal",
    ]
)
"""Types whose objects never change once made: sharing them is no race."""

RESIZING = frozenset(
    [
        "clear",
        "pop",
        "popleft",
        "popitem",
        "append",
        "appendleft",
        "extend",
        "extendleft",
        "insert",
        "remove",
        "update",
        "setdefault",
        "add",
        "discard",
        "sort",
        "resize",
        "truncate",
        "write",
        "writelines",
        "__delitem__",
        "__setitem__",
        "difference_update",
        "intersection_update",
        "symmetric_difference_update",
        "fromlist",
        "frombytes",
        "frombuffer",
        "fromunicode",
        "heappush",
        "heappop",
        "heapify",
        "heapreplace",
        "heappushpop",
        "close",
        "detach",
        "release",
        "__setstate__",
        "move_to_end",
        "rotate",
        "reverse",
        "feed",
        "add_done_callback",
    ]
)
"""Methods and functions that change their receiver (or first argument) and may free what it held."""

READING = frozenset(
    [
        "get",
        "keys",
        "values",
        "items",
        "index",
        "count",
        "copy",
        "__len__",
        "__contains__",
        "getvalue",
        "tobytes",
        "tolist",
        "hex",
        "find",
        "rfind",
        "startswith",
        "endswith",
        "split",
        "join",
        "__repr__",
        "__str__",
        "__hash__",
        "is_alive",
        "is_set",
        "locked",
    ]
)
READING_FUNCTIONS = frozenset(
    [
        "repr",
        "str",
        "len",
        "hash",
        "bool",
        "id",
        "isinstance",
        "type",
        "print",
        "sorted",
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "sum",
        "min",
        "max",
        "any",
        "all",
        "iter",
        "getattr",
        "hasattr",
        "bytes",
        "float",
        "int",
        "ascii",
        "format",
        "dir",
        "vars",
        "callable",
        "issubclass",
        "reversed",
        "enumerate",
        "zip",
        "map",
        "filter",
    ]
)
ADDING = frozenset(
    [
        "append",
        "appendleft",
        "extend",
        "extendleft",
        "insert",
        "add",
        "setdefault",
        "heappush",
        "sort",
        "reverse",
        "rotate",
        "move_to_end",
    ]
)
"""Those of RESIZING after which the container still holds whatever it held before."""
CONSUMING = frozenset(
    [
        "sorted",
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "sum",
        "min",
        "max",
        "any",
        "all",
        "bytes",
    ]
)
ADVANCING = ("iterator", "generator", "reader", "scanner", "Iterator")


def effect_of(
    kind: str, operation: Operation | None, text: str = "", is_iterator: bool | None = None
) -> Effect:
    """What the operation does to an object of type ``kind``; without one ``text`` names what a C function does.

    ``is_iterator`` says whether the object is its own iterator, which every step changes; None where that is not known.
    """
    if kind in IMMUTABLE:
        return Effect.READ
    if operation is None:
        return _by_text(text)
    if operation.kind in ("store-attr", "delete-attr"):
        return Effect.WRITE
    if operation.kind in ("store-subscr", "delete-subscr"):
        return Effect.RESIZE
    if operation.kind == "binary-op":
        return Effect.RESIZE if (operation.name or "").endswith("=") else Effect.READ
    if operation.kind in ("call-method", "call"):
        return _by_name(kind, operation.name or "", is_iterator)
    if operation.kind in ("store-deref", "delete-deref"):
        return Effect.WRITE
    if operation.kind in ("next", "send"):
        return Effect.READ if is_iterator is False else Effect.WRITE
    if operation.kind in ("iter", "unpack", "extend"):
        return Effect.WRITE if advances(kind, is_iterator) else Effect.READ
    return Effect.READ


def effect_on_argument(kind: str, operation: Operation, is_iterator: bool | None = None) -> Effect:
    """What an operation does to an object that it only gets as an argument besides another: it reads it.

    Iterators are used up by that, and into plain memory it may write.
    """
    if kind in IMMUTABLE:
        return Effect.READ
    if advances(kind, is_iterator) and operation.kind not in ("store-attr", "compare"):
        return Effect.WRITE
    return Effect.UNKNOWN if kind in PLAIN_MEMORY else Effect.READ


PLAIN_MEMORY = frozenset(["bytearray", "array.array", "memoryview", "mmap.mmap"])


def advances(kind: str, is_iterator: bool | None) -> bool:
    """Whether walking over the object changes it."""
    return is_iterator if is_iterator is not None else any(word in kind for word in ADVANCING)


def _by_name(kind: str, name: str, is_iterator: bool | None = None) -> Effect:
    if name == "__init__":
        return Effect.REINIT
    if name in RESIZING:
        return Effect.RESIZE
    if name in ("next", "__next__", "setattr", "delattr", "send"):
        return Effect.WRITE
    if name in READING or name in READING_FUNCTIONS:
        return Effect.WRITE if advances(kind, is_iterator) and name in CONSUMING else Effect.READ
    return Effect.UNKNOWN


def _by_text(text: str) -> Effect:
    if text.endswith(".__init__()"):
        return Effect.REINIT
    if "] = " in text or text.startswith(("clearing", "deallocating")):
        return Effect.RESIZE
    if text.startswith("setting"):
        return Effect.WRITE
    if text.startswith("next("):
        return Effect.WRITE
    name = text.removesuffix("()").rsplit(".", 1)[-1]
    if name in RESIZING:
        return Effect.RESIZE
    if name in READING or text.startswith(
        ("repr(", "str(", "len(", "hash(", "iter(", "comparing", "reading", "x in ")
    ):
        return Effect.READ
    return Effect.UNKNOWN
