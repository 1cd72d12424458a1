"""Operations of tests, from the words that reports use for them."""

from __future__ import annotations

from gdbext.model import Operation, OperationKind

PLAIN = {
    kind.value: kind
    for kind in (
        OperationKind.GETITEM,
        OperationKind.SETITEM,
        OperationKind.DELITEM,
        OperationKind.NEXT,
        OperationKind.ITER,
        OperationKind.UNPACK,
        OperationKind.CONTAINS,
    )
}
NAMED = {
    kind.value: kind
    for kind in (
        OperationKind.GETATTR,
        OperationKind.SETATTR,
        OperationKind.DELATTR,
        OperationKind.FORMAT,
        OperationKind.EXTEND,
        OperationKind.COMPARE,
    )
}


def operation(text: str) -> Operation:
    """An operation of Python code: ``clear``, ``setattr:name``, ``setitem``, ``+=``.

    >>> operation("setattr:kind").attribute, operation("clear").verb
    ('kind', 'clear')
    """
    verb, _, name = text.partition(":")
    if verb in NAMED:
        return Operation(kind=NAMED[verb], name=name or None)
    if verb in PLAIN:
        return Operation(kind=PLAIN[verb])
    if not verb.strip("_").isidentifier():
        return Operation(kind=OperationKind.BINARY, name=verb)
    return Operation(kind=OperationKind.CALL, name=verb)


def operations(text: str) -> frozenset[Operation]:
    """Several of them, with spaces between."""
    return frozenset(map(operation, text.split()))
