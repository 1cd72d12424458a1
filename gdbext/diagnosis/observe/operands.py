"""Which objects one operation of bytecode works on, and what it does to each: its receiver, its
arguments, what it iterates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gdbext.cpython.interpreter.calls import CALLS, Callee, called
from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.names import VARIABLES, class_attribute, operand, resolve, subjects
from gdbext.cpython.interpreter.operations import BytecodeOperation, Name
from gdbext.cpython.objects.methods import c_methods
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.reader import FAULTS
from gdbext.cpython.objects.types import TypeInfo
from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.methods import is_method_name, method_traits
from gdbext.cpython.traits.types import (
    TypeTraits,
    canonical,
    makes_iterators,
    same_struct,
    traits_of,
)
from gdbext.diagnosis.observe.bytecode_effects import effect_of, effect_on_argument
from gdbext.diagnosis.observe.operations import CALL, of_bytecode
from gdbext.frozen import dataclass
from gdbext.model import Operation

MAX_ITERATORS = 4
STEPS = ("next", "anext", "send", "unpack", "extend")
ITERATES = ("iter", "aiter")
ADVANCES = ("next", "anext")
ATTRIBUTES = ("load-attr", "store-attr", "delete-attr")
BY_NAME = {"getattr": "load-attr", "setattr": "store-attr", "delattr": "delete-attr"}
"""Built-in functions that do what bytecode has instructions for, to the attribute of a name."""
STORES = ("store-attr", "store-subscr")
CONSTANTS = ("const", "int")
FUNCTIONS = ("function", "classmethod", "staticmethod")
CLASSES = ("type", "object")
METHODS = frozenset(
    {
        "method",
        "builtin_function_or_method",
        "builtin_method",
        "method-wrapper",
        "method_descriptor",
        "wrapper_descriptor",
        "classmethod_descriptor",
        "classmethod",
        "staticmethod",
        "module",
    }
)
"""What an attribute that is called is as a rule: the call is done to the object that has it."""


@dataclass(frozen=True, kw_only=True)
class Operand:
    """One object that an operation of bytecode works on; ``operation`` is what is done to it."""

    address: int
    bytecode: BytecodeOperation
    operation: Operation
    is_argument: bool = False
    """The object is not what the operation is done to, but goes into it."""
    is_own: bool = False
    """The operation is one of the object's own: its method, its item, its attribute, a
    step of it.
    """
    calls_python: bool = False
    """What is called is written in Python: what it does to the object shows in its own code."""
    is_given: bool = False
    """The code calls something that it was given, and that works on the object."""
    is_iterator: bool = False
    """The object is its own iterator."""
    is_method: bool = False
    """The attribute is a method: to look it up does nothing to the object."""
    stores: str | None = None
    """The type of the value that the operation puts into the object."""
    place: tuple[int, str | None] | None = None
    """Where the code takes the object from (``Access.place``)."""
    through: int | None = None
    """The iterator that the code names, and that takes its items from the object."""
    is_plain_attribute: bool = False
    """The attribute is one that an instance of a class written in Python simply has, or a class.

    No code of C stands behind it."""
    steps_by: Callee | None = None
    """The ``__next__`` written in Python that C code calls for a step of the object."""

    @property
    def steps(self) -> bool:
        """Whether the operation takes items from the object, if that is an iterator."""
        kind, name = self.bytecode.kind, self.bytecode.name or ""
        by_call = kind in CALLS and (name.strip("_") == "next" or method_traits(name).consumes)
        return (kind in STEPS or by_call) and not self.calls_python

    @property
    def shows_elsewhere(self) -> bool:
        """The operation itself does nothing to the object.

        What is done to it shows in other code, if anything is."""
        name = self.bytecode.name
        if self.calls_python:
            return True
        if self.bytecode.kind in ITERATES:
            # It is its own iterator: the steps that follow work on it.
            return self.is_iterator
        if self.bytecode.kind not in CALLS:
            return self.bytecode.kind == "load-attr" and self.is_method
        is_only_taken = self.is_iterator and name in makes_iterators()
        return is_only_taken or (self.bytecode.kind == "call" and method_traits(name).identifies)

    def effect(self, type_name: str) -> Effect:
        """What is done to the object, which is of that type."""
        is_function_called = type_name == "function" and self.operation == CALL
        if self.shows_elsewhere or is_function_called:
            return Effect.READ
        effect = effect_on_argument if self.is_argument else effect_of
        return effect(type_name, self.bytecode, self.is_iterator)

    def is_guarded(self, type_name: str) -> bool:
        """Whether the operation takes the object's lock, or an attribute of a plain instance, or of
        a class, which is as safe.
        """
        if self.calls_python or self.bytecode.kind in VARIABLES:
            return True
        if self.bytecode.kind in ATTRIBUTES and not self.is_argument:
            return self.is_plain_attribute
        return self.is_own and traits_of(type_name).locks_itself


def operands(
    objects: Objects,
    frame: Frame,
    bytecode: BytecodeOperation,
    callee: Callee | None,
    is_on_stack: bool,
) -> Iterator[Operand]:
    """The objects that the operation works on, those behind iterators and callables included.

    ``is_on_stack``: its operands lie on the frame's value stack.
    """
    if asked := attribute_by_name(objects, frame, bytecode, callee, is_on_stack):
        bytecode, callee = asked, None
    seen: set[int] = set()
    is_match = bytecode.kind == "match"
    for done in _matched(objects, frame, bytecode) if is_match else (bytecode,):
        for each in _named(objects, frame, done, callee, is_on_stack):
            yield each
            yield from _behind(objects, each, seen)
            yield from _exporter(objects, each, seen)
    if callee is not None:
        yield from operands_of_callee(objects, bytecode, callee, seen)


def attribute_by_name(
    objects: Objects,
    frame: Frame,
    bytecode: BytecodeOperation,
    callee: Callee | None,
    is_on_stack: bool,
) -> BytecodeOperation | None:
    """``getattr(shared, "name")`` as what it does, ``shared.name``; None for other calls, and where
    the name is not known.
    """
    called = callee.name if callee is not None and not callee.is_hidden else None
    if callee is None and bytecode.kind == "call" and bytecode.receiver in _builtins(bytecode):
        # What no global hides is the built-in function.
        called = bytecode.name if resolve(objects, frame, bytecode.receiver) is None else None
    owner, *rest = bytecode.arguments or (None,)
    if called not in BY_NAME or not rest or owner is None or "star" in (owner[0], *(rest[0] or ())):
        return None
    asked = operand(objects, frame, bytecode, rest[0], is_on_stack)
    name = objects.text(asked) if asked else None
    if name is None:
        return None
    kind = BY_NAME[called]
    values = tuple(rest[1:2]) if kind == "store-attr" else ()
    return replace(bytecode, kind=kind, receiver=owner, name=name, arguments=values)


def _matched(
    objects: Objects, frame: Frame, bytecode: BytecodeOperation
) -> Iterator[BytecodeOperation]:
    """The attributes that ``case Class(name=…)`` looks up: no more is done to the object."""
    found = resolve(objects, frame, bytecode.arguments[-1])
    for address in objects.tuple_items(found) if found else ():
        if (name := objects.text(address)) is not None:
            yield replace(bytecode, kind="load-attr", name=name, arguments=())


def _builtins(bytecode: BytecodeOperation) -> tuple[Name, ...]:
    """The names under which code has a built-in function."""
    return ("global", bytecode.name), ("name", bytecode.name)


def operands_of_callee(
    objects: Objects, bytecode: BytecodeOperation, callee: Callee, seen: set[int] | None = None
) -> Iterator[Operand]:
    """The objects that a call works on by what it calls in the end: what that is bound to, and its
    arguments; not those that the calling code names.

    ``seen`` are the iterators behind which was looked already.
    """
    seen = set() if seen is None else seen
    is_given = callee.is_hidden or _packs(bytecode)
    for each in _of_callee(objects, bytecode, callee):
        yield replace(each, is_given=is_given)
        yield from _behind(objects, each, seen)
        yield from _exporter(objects, each, seen)


def _packs(bytecode: BytecodeOperation) -> bool:
    """Whether a function is called with arguments that the code does not know one by one:
    ``callback(*args)``.  Code that does so hands on what it was given.
    """
    packed = (name for name in bytecode.arguments if name is not None)
    return bytecode.kind == "call" and any(name[0] == "star" for name in packed)


def _named(
    objects: Objects,
    frame: Frame,
    bytecode: BytecodeOperation,
    callee: Callee | None,
    is_on_stack: bool,
) -> Iterator[Operand]:
    """The objects that the code itself names."""
    names = subjects(objects, frame, bytecode)
    # An attribute that is called is not of the object's own code, be it one of a __getattr__'s.
    is_elsewhere = bytecode.kind == "call-method" and callee is not None and callee.is_hidden
    calls_python = callee is not None and (callee.is_python or is_elsewhere)
    held = _held(objects, frame, bytecode, is_on_stack)
    is_method = bytecode.receiver in names
    stored = _stored(objects, frame, bytecode, is_on_stack)
    first = 1 if bytecode.kind == "call" else 0
    for position, name in enumerate(names):
        if name is None or name[0] in CONSTANTS:
            continue
        is_called = bytecode.kind == "call" and position == 0
        addresses = {operand(objects, frame, bytecode, name, is_on_stack)}
        if bytecode.kind in ADVANCES:
            # The loop's iterator, and what that walks.
            addresses.add(resolve(objects, frame, name))
        for address in addresses - {None}:
            if address is not None:
                is_read = is_called and _is_function(objects, address)
                only_has_it = held is not None and is_method and position == 0
                yield _operand(
                    objects,
                    address,
                    bytecode,
                    CALL if is_called else of_bytecode(bytecode),
                    is_argument=position > first,
                    is_own=is_method and position == 0,
                    calls_python=(calls_python and not is_read) or only_has_it,
                    stores=stored if position == 0 else None,
                    place=_place(objects, frame, name),
                )
    if held is not None:
        calls_held = calls_python and not _is_function(objects, held)
        yield _operand(objects, held, bytecode, CALL, is_own=True, calls_python=calls_held)


def _place(objects: Objects, frame: Frame, name: Name) -> tuple[int, str | None] | None:
    """Where the object of that name is taken from, where others may take it from there, too."""
    if name[0] == "global" and frame.globals:
        return frame.globals, name[1]
    if name[0] not in ("attr", "item"):
        return None
    owner = resolve(objects, frame, name[1])
    return (owner, name[2] if name[0] == "attr" else None) if owner else None


def _held(
    objects: Objects, frame: Frame, bytecode: BytecodeOperation, is_on_stack: bool
) -> int | None:
    """The object that an attribute holds and that the code calls: a function, a partial, any
    instance whose type can be called.

    A call of a function takes its code and its defaults (Python/ceval.c, initialize_locals).
    """
    if bytecode.kind != "call-method" or bytecode.receiver is None:
        return None
    name = ("attr", bytecode.receiver, bytecode.name)
    address = resolve(objects, frame, name)
    if address is None and resolve(objects, frame, bytecode.receiver) is None:
        # Where the call is over, its result lies there.
        address = operand(objects, frame, bytecode, name, is_on_stack)
    info = objects.type_of(address) if address else None
    if info is None or info.name in METHODS or _is_class(info):
        return None
    owner = resolve(objects, frame, bytecode.receiver)
    is_owners = owner is not None and objects.attribute(owner, bytecode.name or "") is not None
    if not is_owners and _has_slot(objects, info, "tp_descr_get"):
        # Of the class, and bound to its object: the methods that pybind11, nanobind and Cython make
        # have types of their own.
        return None
    return address if _has_slot(objects, info, "tp_call") else None


def _is_function(objects: Objects, address: int) -> bool:
    info = objects.type_of(address)
    return info is not None and info.name == "function"


def _stored(
    objects: Objects, frame: Frame, bytecode: BytecodeOperation, is_on_stack: bool
) -> str | None:
    if bytecode.kind not in STORES or not bytecode.arguments:
        return None
    value = operand(objects, frame, bytecode, bytecode.arguments[-1], is_on_stack)
    info = objects.type_of(value) if value else None
    return canonical(info.name) if info is not None else None


def _of_callee(objects: Objects, bytecode: BytecodeOperation, callee: Callee) -> Iterator[Operand]:
    """What a function of C's works on that the code calls by another name, or through a partial
    and the like, and what functions that it was given work on.
    """
    for argument in callee.arguments if method_traits(callee.name).calls else ():
        if argument is not None:
            yield from _called_by_c(objects, bytecode, argument)
    if callee.is_python or (not callee.is_hidden and callee.name in (None, bytecode.name)):
        # What it is bound to is named by no argument: a module, as a rule.
        if callee.owner is not None and not callee.is_python and bytecode.kind in CALLS:
            yield _operand(objects, callee.owner, bytecode, of_bytecode(bytecode), is_own=True)
        return
    done = replace(bytecode, kind=callee.kind, receiver=None, name=callee.name, arguments=())
    operation = of_bytecode(done)
    if callee.owner is not None:
        yield _operand(objects, callee.owner, done, operation, is_own=True)
    for position, address in enumerate(callee.arguments):
        if address is not None:
            is_argument = position > 0 or callee.kind != "call"
            yield _operand(objects, address, done, operation, is_argument=is_argument)


def _behind(objects: Objects, outer: Operand, seen: set[int], depth: int = 0) -> Iterator[Operand]:
    """What a step of an iterator works on in its turn: the iterators that it takes from, and what
    the functions work on that it calls.
    """
    info = objects.type_of(outer.address) if outer.is_iterator and outer.steps else None
    traits = traits_of(info.name) if info is not None else None
    if traits is None or outer.address in seen or depth > MAX_ITERATORS:
        return
    seen.add(outer.address)
    for reference in objects.children(outer.address):
        if reference.slot in traits.calls_in:
            arguments = _passed(objects, outer.address, traits)
            yield from _called_by_c(objects, outer.bytecode, reference.target, arguments)
        elif reference.slot in traits.advances_in:
            for target in _each(objects, reference.target):
                inner = replace(
                    _operand(objects, target, outer.bytecode, outer.operation, is_argument=True),
                    through=outer.through or outer.address,
                )
                yield inner
                yield from _behind(objects, inner, seen, depth + 1)


def _exporter(objects: Objects, view: Operand, seen: set[int]) -> Iterator[Operand]:
    """What an operation of a memoryview works on: the memory is that of the object behind it.

    To release the view, and to look up what describes it, leaves the memory alone.
    """
    info = objects.type_of(view.address)
    is_on_memory = view.bytecode.kind not in ATTRIBUTES and view.bytecode.name != "release"
    if info is None or not objects.is_a(info, "memoryview") or not is_on_memory:
        return
    for reference in objects.children(view.address):
        if reference.slot == "view.obj" and reference.target not in seen:
            seen.add(reference.target)
            yield replace(
                _operand(
                    objects, reference.target, view.bytecode, view.operation, is_argument=True
                ),
                through=view.address,
            )


def _each(objects: Objects, address: int) -> Sequence[int]:
    info = objects.type_of(address)
    return objects.tuple_items(address) if info and info.is_subclass("tuple") else (address,)


def _passed(objects: Objects, iterator: int, traits: TypeTraits) -> Sequence[int | None]:
    """What an iterator calls its function with: the items that it takes, as far as those that have
    them say which come next.
    """
    info = objects.type_of(iterator)
    taken = [
        _next_item(objects, source)
        for reference in objects.children(iterator)
        if reference.slot in traits.advances_in
        for source in _each(objects, reference.target)
    ]
    if info is None or not taken:
        return ()
    if info.name == "itertools.starmap":
        return objects.tuple_items(taken[0]) if taken[0] else ()
    # A function of two arguments gets what it gave the last time first.
    return [None, *taken] if info.name == "itertools.accumulate" else taken


def _next_item(objects: Objects, iterator: int) -> int | None:
    """The item that an iterator gives next, where it has that already: ``repeat(shared)``, or a
    list's iterator.
    """
    info = objects.type_of(iterator)
    try:
        if info is None:
            return None
        if info.name == "itertools.repeat":
            return objects.field("repeatobject", iterator, "element")
        if info.name == "list_iterator":
            walked, index = objects.fields("_PyListIterObject", iterator, "it_seq", "it_index")
            items: Sequence[int] = objects.list_items(walked) if walked else ()
        elif info.name == "tuple_iterator":
            walked, index = objects.fields("_PyTupleIterObject", iterator, "it_seq", "it_index")
            items = objects.tuple_items(walked) if walked else ()
        else:
            return None
    except FAULTS:
        return None
    return items[index] if 0 <= index < len(items) else None


def _called_by_c(
    objects: Objects,
    bytecode: BytecodeOperation,
    function: int,
    arguments: Sequence[int | None] = (),
) -> Iterator[Operand]:
    """What a method works on that C code calls with arguments of its own, as far as those are
    known.
    """
    info = objects.type_of(function)
    try:
        found = called(objects, function, None, arguments) if info and not _is_class(info) else None
    except FAULTS:
        return
    if found is None or found.is_python or (found.name is None and found.kind in CALLS):
        return
    done = replace(bytecode, kind=found.kind, receiver=None, name=found.name, arguments=())
    operation = of_bytecode(done)
    if found.owner is not None:
        yield _operand(objects, found.owner, done, operation, is_own=True)
    for position, address in enumerate(found.arguments):
        if address is not None:
            is_argument = position > 0 or found.kind != "call"
            yield _operand(objects, address, done, operation, is_argument=is_argument)


def _is_class(info: TypeInfo) -> bool:
    return info.is_subclass("type")


def _operand(
    objects: Objects,
    address: int,
    bytecode: BytecodeOperation,
    operation: Operation,
    is_argument: bool = False,
    is_own: bool = False,
    calls_python: bool = False,
    stores: str | None = None,
    place: tuple[int, str | None] | None = None,
) -> Operand:
    info = objects.type_of(address)
    is_iterator, is_method, is_plain_attribute = (
        _kind(objects, info, bytecode.name) if info is not None else (False, False, False)
    )
    found = Operand(
        address=address,
        bytecode=bytecode,
        operation=operation,
        is_argument=is_argument,
        is_own=is_own,
        calls_python=calls_python,
        stores=stores,
        place=place,
        is_iterator=is_iterator,
        is_method=is_method,
        is_plain_attribute=is_plain_attribute,
    )
    step = _step(objects, address) if is_iterator and found.steps else None
    return replace(found, calls_python=True, steps_by=step) if step is not None else found


def _step(objects: Objects, iterator: int) -> Callee | None:
    """The ``__next__`` of an iterator's class, where that is a function written in Python."""
    info = objects.type_of(iterator)
    function = class_attribute(objects, info, "__next__") if info is not None else None
    kind = objects.type_of(function) if function else None
    if function is None or kind is None or kind.name != "function":
        return None
    return Callee(function=function, owner=iterator, is_python=True)


def _kind(objects: Objects, info: TypeInfo, name: str | None) -> tuple[bool, bool, bool]:
    """Whether objects of the type are their own iterators, and whether their attribute of that name
    is a method, and is a plain one; found once for the many threads that run the same code.
    """
    return objects.memo(
        (f"kind by {name}", info.address),
        lambda: (
            _is_iterator(objects, info),
            _is_method(objects, info, name),
            _is_plain_attribute(objects, info, name),
        ),
    )


def _is_method(objects: Objects, info: TypeInfo, name: str | None) -> bool:
    """Whether the attribute is one of the class's functions; a slot's method goes by its name."""
    attribute = class_attribute(objects, info, name) if info.is_python_class and name else None
    function = objects.type_of(attribute) if attribute else None
    if function is not None:
        return function.name in FUNCTIONS
    if any(name in c_methods(objects, b) for b in objects.bases(info) if not b.is_python_class):
        return True
    return is_method_name(name)


def _is_plain_attribute(objects: Objects, info: TypeInfo, name: str | None) -> bool:
    """Whether the attribute is one that objects of the class simply have.

    Of a class that is one too: it is set under the lock of the class's dict (Objects/typeobject.c,
    type_setattro).  What is type's own, ``__name__`` say, is kept elsewhere.
    """
    if info.name == "function" and name is not None:
        # Its own fields have names with two underscores; all others are in its dict.
        return not name.startswith("__")
    if info.is_subclass("type") and name is not None:
        in_c = (base.name for base in objects.bases(info) if not base.is_python_class)
        if name.startswith("__") or not all(base in CLASSES for base in in_c):
            return False
    elif not info.is_python_class or name is None or name == "__dict__":
        return False
    attribute = class_attribute(objects, info, name)
    descriptor = objects.type_of(attribute) if attribute else None
    if descriptor is None or traits_of(descriptor.name).plain_descriptor:
        return True
    # Without these two it is only what an instance has that has no such attribute of its own.
    return not any(_has_slot(objects, descriptor, s) for s in ("tp_descr_get", "tp_descr_set"))


def _is_iterator(objects: Objects, info: TypeInfo) -> bool:
    """Whether objects of the type are their own iterators, or are stepped as such.

    Every class written in Python has the slot filled: with a function that only complains, where
    it has no ``__next__`` (Objects/typeobject.c, update_one_slot).
    """
    if not info.is_python_class:
        return steps_in_c(objects, info) or same_struct(info.name, "generator")
    if class_attribute(objects, info, "__next__") is not None:
        return True
    return any(steps_in_c(objects, b) for b in objects.bases(info) if not b.is_python_class)


def steps_in_c(objects: Objects, info: TypeInfo) -> bool:
    """Whether a type of C's is one of iterators: it has a function for their steps."""
    return _has_slot(objects, info, "tp_iternext")


def _has_slot(objects: Objects, info: TypeInfo, slot: str) -> bool:
    try:
        return bool(objects.field("PyTypeObject", info.address, slot))
    except FAULTS:
        return False
