"""What a thread's C code has at hand: the arguments and variables of the C functions within its
innermost Python operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gdbext.cpython.interpreter.calls import called as callee_of
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.functions import function_traits
from gdbext.cpython.traits.types import canonical, traits_of
from gdbext.diagnosis.conclude.c_types import pointed_struct
from gdbext.diagnosis.conclude.effects import effect_in_c
from gdbext.diagnosis.conclude.operations import is_plain_method
from gdbext.diagnosis.facts.accesses import Access, Proximity
from gdbext.diagnosis.observe.access_types import bases_of, type_name_of
from gdbext.diagnosis.observe.accesses_by_code import called_object, current_operation
from gdbext.diagnosis.observe.c_types import HEADERS
from gdbext.diagnosis.observe.c_variables import object_variables, resumed_loops
from gdbext.diagnosis.observe.observer import Observer
from gdbext.diagnosis.observe.operands import steps_in_c
from gdbext.diagnosis.observe.operations import (
    CALL,
    of_c_function,
)
from gdbext.model import Operation, OperationKind
from gdbext.target.protocol import MemoryFault, NativeFrame, Variable

MAX_ITERATORS = 4
BOUND = "builtin_function_or_method"
UNOWNED = frozenset({"type", "module", "function"})
"""What C code works on wherever it does anything."""


def in_c(observer: Observer, lwp: int) -> dict[int, Access]:
    """Objects that the C functions within the innermost eval loop work on, by address: arguments,
    then local variables.
    """
    groups = observer.session.python_stack(lwp).groups[resumed_loops(observer, lwp) :]
    frame_at_work = next((group[0] for group in groups if group), None)
    current = (
        (observer.program.own_frame(lwp, frame_at_work) or frame_at_work) if frame_at_work else None
    )
    asked = current_operation(observer, current, current is frame_at_work) if current else None
    called = called_object(observer, frame_at_work) if frame_at_work else None
    in_c: dict[int, Access] = {}
    for frame, variable in sorted(
        object_variables(observer, lwp), key=lambda pair: not pair[1].is_argument
    ):
        traits = function_traits(frame.function)
        is_only_found = traits.looks_up and not variable.is_argument
        if lwp != observer.stack.lwp and (traits.counts_references or is_only_found):
            # Who only takes a reference, or looks it up, has done nothing to the object yet.
            continue
        address = variable.value
        if address in in_c:
            # Further out is the slot or method that all of it is for.
            families = tuple(bases_of(observer, address))
            outer = of_c_function(observer.functions, observer.stack, frame, families)
            in_c[address] = _with_outer(in_c[address], frame, variable, families, outer, asked)
        type_name = type_name_of(observer, address) if address and address not in in_c else None
        if address is None or type_name is None:
            continue
        families = tuple(bases_of(observer, address))
        operation = of_c_function(observer.functions, observer.stack, frame, families)
        is_unshared = _is_unshared(observer, lwp, address)
        is_own = variable.is_argument and _is_own(operation, variable, families)
        in_c[address] = Access(
            lwp=lwp,
            address=address,
            type=type_name,
            operation=CALL if address == called else _done(asked, operation),
            effect=effect_in_c(type_name, operation),
            proximity=Proximity.INSIDE if is_own else Proximity.INTERNAL,
            file=current.file if current else None,
            line=current.line if current else None,
            operation_line=current.line if current else None,
            function=current.function if current else None,
            frame=current.address if current else None,
            c_function=frame.function,
            own_level=frame.level if is_own else None,
            is_guarded=_takes_lock(operation, type_name),
            is_private=is_unshared and _is_alone(observer, address),
            is_unshared=is_unshared,
        )
    for address, operation in _called_methods(observer, lwp).items():
        access = in_c.get(address)
        if access is not None and access.operation != CALL and is_plain_method(operation):
            in_c[address] = replace(access, operation=operation)
    for access in list(in_c.values()):
        if access.is_own:
            for behind in (*_behind(observer, access), *_walked(observer, access)):
                in_c.setdefault(behind.address, behind)
    return in_c


def _walked(observer: Observer, access: Access) -> Iterator[Access]:
    """The container that C code walks by an iterator, as it has no lock for that: whoever is in
    ``odictiter_iternext`` reads the OrderedDict's nodes, and no argument is that.
    """
    for container in walked_without_lock(observer.session.objects, access.address):
        type_name = type_name_of(observer, container)
        if type_name is not None:
            yield replace(
                access,
                address=container,
                type=type_name,
                effect=Effect.READ,
                is_guarded=False,
                is_private=False,
                is_unshared=_is_unshared(observer, access.lwp, container),
                through=None,
            )


def walked_without_lock(objects: Objects, iterator: int) -> Iterator[int]:
    """The container that an iterator of C's walks, where that does not lock itself for it."""
    info = objects.type_of(iterator)
    if info is None or not steps_in_c(objects, info):
        return
    shows = traits_of(canonical(info.name)).shows_container_in
    for reference in objects.children(iterator) if shows else ():
        kind = objects.type_of(reference.target)
        if reference.slot not in shows or kind is None:
            continue
        traits = traits_of(canonical(kind.name))
        if not (traits.immutable or traits.locks_itself):
            yield reference.target


def _behind(observer: Observer, access: Access, depth: int = 0) -> Iterator[Access]:
    """The iterators that one which C code steps takes its items from, and those behind them."""
    objects = observer.session.objects
    advances_in = traits_of(access.type).advances_in
    if not advances_in or depth > MAX_ITERATORS:
        return
    for reference in objects.children(access.address):
        if reference.slot not in advances_in:
            continue
        info = objects.type_of(reference.target)
        is_several = info is not None and info.is_subclass("tuple")
        for target in objects.tuple_items(reference.target) if is_several else (reference.target,):
            type_name = type_name_of(observer, target)
            if type_name is None or traits_of(type_name).immutable:
                continue
            behind = replace(
                access,
                address=target,
                type=type_name,
                effect=Effect.WRITE,
                proximity=Proximity.AT,
                c_function=None,
                own_level=None,
                is_guarded=False,
                is_private=False,
                is_unshared=_is_unshared(observer, access.lwp, target),
                through=access.through or access.address,
            )
            yield behind
            yield from _behind(observer, behind, depth + 1)


def _called_methods(observer: Observer, lwp: int) -> dict[int, Operation]:
    """The methods that C code has at hand as objects, by what they are bound to, the innermost one:
    it calls them, be the functions that they are in a table of a type or not.

    Example: ``map_next`` calls ``cfunction_vectorcall_FASTCALL(func=<bound shared.pop>, ...)``.
    """
    objects = observer.session.objects
    found: dict[int, Operation] = {}
    for _, variable in object_variables(observer, lwp):
        info = objects.type_of(variable.value) if variable.value else None
        if variable.value is None or info is None or not objects.is_a(info, BOUND):
            continue
        operation = _bound_method(objects, variable.value)
        if operation is not None:
            found.setdefault(*operation)
    return found


def _bound_method(objects: Objects, function: int) -> tuple[int, Operation] | None:
    """The object that a built-in method is bound to, and what its call does to that."""
    try:
        method = callee_of(objects, function, None, ())
    except (MemoryFault, UnknownLayout):
        return None
    if method is None or method.owner is None or method.kind != "call-method":
        return None
    info = objects.type_of(method.owner)
    kind = OperationKind.METHOD
    type_name = canonical(info.name) if info is not None else None
    return method.owner, Operation(kind=kind, name=method.name, type=type_name)


def _with_outer(
    access: Access,
    frame: NativeFrame,
    variable: Variable,
    families: Sequence[str],
    outer: Operation,
    asked: Operation | None,
) -> Access:
    """The access of a frame further in with what an outer one adds, that has the object, too.

    ``outer`` is what that does to the object.  It may be the type's own code, which has called a
    function for all objects: ``odict_copy`` calls ``PyDict_GetItemWithError``.
    """
    if is_plain_method(outer) or (
        asked in (None, CALL) and outer.kind is not OperationKind.C_FUNCTION
    ):
        access = replace(access, operation=outer)
    if access.is_own or not (variable.is_argument and _is_own(outer, variable, families)):
        return access
    return replace(
        access,
        effect=effect_in_c(access.type, outer),
        proximity=Proximity.INSIDE,
        own_level=frame.level,
        is_guarded=_takes_lock(outer, access.type),
    )


def _done(asked: Operation | None, operation: Operation) -> Operation:
    """What is done to an object: what the Python code asked for, where C code does not call a
    method of the object's own for that.
    """
    if asked is None or asked == CALL or is_plain_method(operation):
        return operation
    return asked


def _is_own(operation: Operation, variable: Variable, families: Sequence[str]) -> bool:
    """Whether a C function is there for objects of the type of the one that it has as an argument.

    It is if it stands in the type's tables, or declares the argument as the type's own struct.
    What all code uses, dicts say, is an argument of functions that are there for something else.
    """
    if traits_of(families[0]).common or not UNOWNED.isdisjoint(families):
        return False
    is_of_type = operation.kind is not OperationKind.C_FUNCTION
    return is_of_type or pointed_struct(variable.type) not in HEADERS


def _is_unshared(observer: Observer, lwp: int, address: int) -> bool:
    """Whether the thread owns an object of which no other thread counts a reference."""
    state = observer.session.runtime.by_lwp(lwp)
    try:
        header = observer.session.objects.header(address)
    except MemoryFault:
        return False
    return state is not None and header.ob_tid == state.thread_id and header.ref_shared == 0


def _is_alone(observer: Observer, address: int) -> bool:
    """Whether there is one reference to the object at most.

    A name by which other code could reach it would hold a second one while C code works on it.
    """
    count = observer.session.objects.header(address).refcount
    return count is not None and count <= 1


def _takes_lock(operation: Operation, type_name: str) -> bool:
    """Whether C code is a method of a type that locks itself; slots do not all."""
    is_own = operation.type == type_name and traits_of(type_name).locks_itself
    return is_own and (operation.kind is not OperationKind.SLOT or operation.slot == "tp_init")
