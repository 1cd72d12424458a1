"""What an operation calls, behind partials, bound methods and the like, and the frame that a Python
function would begin with: only its arguments and closure are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gdbext.cpython.interpreter.frames import Frame, FrameCode
from gdbext.cpython.interpreter.names import attribute, class_attribute, in_class, operand, resolve
from gdbext.cpython.interpreter.operations import BytecodeOperation, Name
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.methods import builtin_name
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.types import TypeInfo
from gdbext.cpython.traits.methods import method_traits
from gdbext.frozen import dataclass
from gdbext.target.protocol import MemoryFault

CALLS = ("call", "call-method")
MAX_WRAPPERS = 8
MOST_KEYWORDS = 64
WALKED = ("__next__", "__iter__")
"""What gives the items of an object that is walked to its end; an iterator's ``__iter__`` gives
only itself.
"""
SPECIAL: dict[tuple[str, str | None], Sequence[str]] = {
    ("load-subscr", None): ("__getitem__", "__missing__"),
    ("store-subscr", None): ("__setitem__",),
    ("delete-subscr", None): ("__delitem__",),
    ("contains", None): ("__contains__", *WALKED),
    ("iter", None): ("__iter__",),
    ("next", None): ("__next__",),
    ("aiter", None): ("__aiter__",),
    ("anext", None): ("__anext__",),
    ("await", None): ("__await__",),
    ("unpack", None): WALKED,
    ("extend", "list"): WALKED,
    ("extend", "set"): WALKED,
    ("truth", None): ("__bool__", "__len__"),
    ("format", None): ("__format__", "__str__", "__repr__"),
    ("format", "str"): ("__str__", "__repr__"),
    ("format", "repr"): ("__repr__",),
    ("format", "ascii"): ("__repr__",),
    ("compare", "<"): ("__lt__",),
    ("compare", "<="): ("__le__",),
    ("compare", "=="): ("__eq__",),
    ("compare", "!="): ("__ne__", "__eq__"),
    ("compare", ">"): ("__gt__",),
    ("compare", ">="): ("__ge__",),
}
"""The special methods that the operations other than calls run, by their kind and name, where the
receiver's class is written in Python: the first of them that this has.
"""
RUN_BY_BUILTINS = {
    "next": ("__next__",),
    "iter": ("__iter__",),
    "len": ("__len__",),
    "bool": ("__bool__", "__len__"),
    "format": ("__format__", "__str__", "__repr__"),
    "str": ("__str__", "__repr__"),
    "repr": ("__repr__",),
    "hash": ("__hash__",),
}
"""The same for the functions and classes of the builtins, and their first argument."""
ACCESSORS = {
    "load-attr": ("prop_get", "__get__"),
    "store-attr": ("prop_set", "__set__"),
    "delete-attr": ("prop_del", "__delete__"),
}
"""What a property, or another descriptor whose class is written in Python, calls for an attribute
of an instance (Objects/descrobject.c, Objects/typeobject.c).
"""
OPERATORS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "@": "matmul",
    "&": "and",
    "|": "or",
    "^": "xor",
    "<<": "lshift",
    ">>": "rshift",
    "**": "pow",
}
HOOKS = {
    "load-attr": "__getattribute__",
    "store-attr": "__setattr__",
    "delete-attr": "__delattr__",
}
"""What a class may have in place of all of that."""
GETTERS = {"operator.itemgetter": "load-subscr", "operator.attrgetter": "load-attr"}
"""Callables that do one operation to their argument, which bytecode has an instruction for."""


@dataclass(frozen=True, kw_only=True)
class Callee:
    """What runs in the end: a function, a class, or a method of ``owner``.

    ``function`` may be 0 where a method is known by ``name`` alone.  ``arguments`` are those of
    partials and of the call itself, without the owner; None stands for one that is not known.
    """

    function: int
    owner: int | None = None
    arguments: tuple[int | None, ...] = ()
    keywords: tuple[str | None, ...] = ()
    """The names that the last of the arguments are given by."""
    name: str | None = None
    """Of what is written in C: the function's, the method's, the class's."""
    kind: str = "call"
    """Of :class:`BytecodeOperation`: what is done to the owner, or without one to the arguments."""
    is_python: bool = False
    is_hidden: bool = False
    """The code calls something else, a partial say, that calls this."""


def callee(
    objects: Objects, frame: Frame, operation: BytecodeOperation, is_running: bool
) -> Callee | None:
    """What the operation calls; None where it calls nothing, or what is not known."""
    try:
        receiver = operand(objects, frame, operation, operation.receiver, is_running)
        is_method = operation.kind == "call-method"
        if receiver is not None and is_method and hands_on(objects, receiver, operation.name):
            values, keywords = _arguments(objects, frame, operation, is_running)
            function, *rest = values or (None,)
            found = called(objects, function, None, rest, keywords) if function else None
            return replace(found, is_hidden=True) if found else None
        target = _on_stack(frame, operation) if is_running and operation.kind in CALLS else None
        if target is None and receiver is not None:
            if operation.kind in ACCESSORS:
                return _accessor(objects, frame, receiver, operation, is_running)
            is_call = operation.kind == "call"
            target = (receiver, None) if is_call else _method(objects, receiver, operation)
        if target is None:
            return None
        return called(objects, *target, *_arguments(objects, frame, operation, is_running))
    except (MemoryFault, UnknownLayout):
        return None


def _on_stack(frame: Frame, operation: BytecodeOperation) -> tuple[int, int | None] | None:
    """The callable that lies on the frame's value stack, and the object above it that becomes its
    first argument.
    """
    place = operation.places.get(("attr", operation.receiver, operation.name))
    if operation.kind != "call-method" or place is None or place + 1 >= len(frame.room):
        return None
    function, owner = frame.room[place], frame.room[place + 1]
    return (function, owner or None) if function else None


def _method(
    objects: Objects, receiver: int, operation: BytecodeOperation
) -> tuple[int, int | None] | None:
    """The method that an operation runs, and the object that becomes its first argument."""
    info = objects.type_of(receiver)
    if info is None:
        return None
    if operation.kind != "call-method":
        names = _special_methods(operation)
        found = next((f for name in names if (f := class_attribute(objects, info, name))), None)
        return (found, receiver) if found else None
    if operation.name is None:
        return None
    if operation.receiver and operation.receiver[0] == "super":
        # From the class after the one that has the calling method, which is the first that has it,
        # as a rule.
        found = class_attribute(objects, info, operation.name, skip=1)
        return (found, receiver) if found else None
    found = attribute(objects, receiver, operation.name)
    if found is None:
        return None
    if objects.attribute(receiver, operation.name) is not None or info.name == "module":
        return found, None
    described = objects.type_info(receiver) if info.is_subclass("type") else info
    inside = in_class(objects, described or info, operation.name)
    kind = objects.type_of(inside) if inside else None
    if kind is not None and kind.name == "classmethod":
        function = objects.pointer("classmethod", found, "cm_callable")
        owner = receiver if described is not info else info.address
        return (function, owner) if function else None
    is_bound = described is info and (kind is None or kind.name != "staticmethod")
    return found, receiver if is_bound else None


def _accessor(
    objects: Objects, frame: Frame, receiver: int, operation: BytecodeOperation, is_running: bool
) -> Callee | None:
    """What an access to an attribute calls: a property's function, or a method of a descriptor."""
    info = objects.type_of(receiver)
    if info is None or not info.is_python_class or operation.name is None:
        return None
    names = operation.arguments[:1]
    values = tuple(operand(objects, frame, operation, name, is_running) for name in names)
    if (hook := class_attribute(objects, info, HOOKS[operation.kind])) is not None:
        return called(objects, hook, receiver, (None, *values))
    descriptor = class_attribute(objects, info, operation.name)
    kind = objects.type_of(descriptor) if descriptor else None
    if descriptor is None or kind is None:
        return None
    field, special = ACCESSORS[operation.kind]
    if objects.is_a(kind, "property"):
        getter = objects.field("propertyobject", descriptor, field)
        return called(objects, getter, receiver, values) if getter else None
    method = class_attribute(objects, kind, special) if kind.is_python_class else None
    if special == "__get__" and class_attribute(objects, kind, "__set__") is None:
        # What the instance has itself comes before what only gives: functools.cached_property.
        method = None if objects.attribute(receiver, operation.name) is not None else method
    return called(objects, method, descriptor, (receiver, *values)) if method else None


def hands_on(objects: Objects, owner: int, name: str | None) -> bool:
    """Whether a method of C's calls its first argument with the others: ``context.run``."""
    traits = method_traits(name)
    info = objects.type_of(owner) if traits.hands_on else None
    return info is not None and any(objects.is_a(info, name) for name in traits.of)


def run_by_c(objects: Objects, target: Callee) -> Callee | None:
    """The special method of a class written in Python that a function of C's runs on its first
    argument: ``len(shared)``, ``sum(rows)``, ``out.writelines(rows)``; None where it runs none.
    """
    receiver = target.arguments[0] if target.arguments and not target.is_python else None
    if receiver is None:
        return None
    is_walked = method_traits(target.name).consumes
    of_builtins = RUN_BY_BUILTINS.get(target.name or "", ()) if target.kind == "call" else ()
    try:
        info = objects.type_of(receiver)
        methods = (
            class_attribute(objects, info, name)
            for name in (WALKED if is_walked else of_builtins)
            if info is not None and info.is_python_class
        )
        found = next((method for method in methods if method), None)
        return called(objects, found, receiver, ()) if found else None
    except (MemoryFault, UnknownLayout):
        return None


def _special_methods(operation: BytecodeOperation) -> Iterator[str]:
    if operation.kind == "binary-op" and operation.name:
        base = OPERATORS.get(operation.name.removesuffix("="))
        if base and operation.name.endswith("="):
            yield f"__i{base}__"
        if base:
            yield f"__{base}__"
    else:
        yield from SPECIAL.get((operation.kind, operation.name), ())


Passed = tuple[tuple[int | None, ...], tuple[str | None, ...]]
"""The arguments of a call, and the names of the last of them."""


def _arguments(
    objects: Objects, frame: Frame, operation: BytecodeOperation, is_running: bool
) -> Passed:
    """The objects that the operation passes on, those of ``*name`` and ``**name`` one by one."""
    if operation.kind not in CALLS:
        names = operation.arguments[:2]
        return tuple(operand(objects, frame, operation, name, is_running) for name in names), ()
    plain = list(operation.arguments)
    mappings: list[Name] = []
    while plain and (last := plain[-1]) and last[0] == "star":
        mappings.insert(0, last)
        plain.pop()
    keywords = _keywords(objects, frame, operation.keywords)
    if not keywords:
        # Nothing says of two which is the tuple: the objects do.
        plain, mappings = [*plain, *mappings], []
    passed: list[tuple[str | None, int | None]] = []
    for number, name in enumerate(plain, len(keywords) - len(plain)):
        if name is not None and name[0] == "star":
            packed = _unpacked(objects, frame, operation, name[1], is_running)
            if packed is None:
                break
            passed += packed
        else:
            value = operand(objects, frame, operation, name, is_running)
            passed.append((keywords[number] if number >= 0 else None, value))
    for name in mappings:
        passed += _unpacked(objects, frame, operation, name[1], is_running) or ()
    values = tuple(value for keyword, value in passed if keyword is None)
    named = [(keyword, value) for keyword, value in passed if keyword is not None]
    return (
        (*values, *(value for _, value in named)),
        tuple(keyword for keyword, _ in named),
    )


def _keywords(objects: Objects, frame: Frame, name: Name | None) -> tuple[str | None, ...]:
    """The names of keyword arguments: a constant, or made for the call."""
    if name is None:
        return ()
    if name[0] == "build":
        keys = [resolve(objects, frame, key) for key in name[2]]
    else:
        found = resolve(objects, frame, name)
        info = objects.type_of(found) if found else None
        is_tuple = info is not None and info.is_subclass("tuple")
        keys = list(objects.tuple_items(found)) if found and is_tuple else []
    return tuple(objects.text(key) if key else None for key in keys)


def _unpacked(
    objects: Objects,
    frame: Frame,
    operation: BytecodeOperation,
    name: Name | None,
    is_running: bool,
) -> Sequence[tuple[str | None, int | None]] | None:
    """What ``*name`` or ``**name`` passes on, as (keyword or None, address); None where it is not
    known.
    """
    if name is not None and name[0] == "fast" and name[1] < len(frame.slot_names):
        future = frame.packed.get(frame.slot_names[name[1]])
        if future is not None:
            return future
    packed = operand(objects, frame, operation, name, is_running)
    info = objects.type_of(packed) if packed else None
    if packed is None or info is None:
        return None
    if info.is_subclass("tuple"):
        return [(None, item) for item in objects.tuple_items(packed)]
    if info.is_subclass("dict"):
        return [
            (objects.text(key), value) for key, value in objects.dict_items(packed)[:MOST_KEYWORDS]
        ]
    return None


def called(
    objects: Objects,
    function: int,
    owner: int | None,
    arguments: Sequence[int | None],
    keywords: Sequence[str | None] = (),
) -> Callee | None:
    """What a call of ``function`` runs, as a method of ``owner`` if there is one.

    Raises:
        MemoryFault, UnknownLayout
    """
    found = Callee(
        function=function, owner=owner, arguments=tuple(arguments), keywords=tuple(keywords)
    )
    for _ in range(MAX_WRAPPERS):
        inner = _unwrapped(objects, found)
        if inner is None:
            return found
        if inner.function not in (0, found.function):
            found = replace(inner, is_hidden=True)
            continue
        if inner.owner is None or not hands_on(objects, inner.owner, inner.name):
            return inner
        handed, *rest = inner.arguments or (None,)
        if handed is None:
            return inner
        found = Callee(
            function=handed, arguments=tuple(rest), keywords=inner.keywords, is_hidden=True
        )
    return found


def _unwrapped(objects: Objects, outer: Callee) -> Callee | None:
    """What a callable calls in its turn, or itself with its name; None where neither is known."""
    info = objects.type_of(outer.function)
    if info is None:
        return None
    if info.name == "function":
        return replace(outer, is_python=True)
    unwrap = next((found for name, found in WRAPPERS.items() if objects.is_a(info, name)), None)
    if unwrap is not None:
        return unwrap(objects, outer, info)
    if info.is_subclass("type"):
        return _class(objects, outer)
    call = class_attribute(objects, info, "__call__")
    return replace(outer, function=call, owner=outer.function) if call else None


def _class(objects: Objects, outer: Callee) -> Callee | None:
    described = objects.type_info(outer.function)
    if described is None:
        return None
    # A class made in C may be changeable as one written in Python is, but has no functions.
    init = class_attribute(objects, described, "__init__")
    kind = objects.type_of(init) if init else None
    is_python = kind is not None and kind.name == "function"
    return replace(outer, owner=None, name=described.short_name, is_python=is_python)


def _partial(objects: Objects, outer: Callee, info: TypeInfo) -> Callee:
    function, packed, named = objects.fields("partialobject", outer.function, "fn", "args", "kw")
    own = objects.dict_items(named)[:MOST_KEYWORDS] if named else []
    return replace(
        outer,
        function=function,
        owner=None,
        arguments=(*objects.tuple_items(packed), *outer.arguments, *(value for _, value in own)),
        keywords=(*outer.keywords, *(objects.text(key) for key, _ in own)),
    )


def _bound(objects: Objects, outer: Callee, info: TypeInfo) -> Callee:
    function, owner = objects.fields("PyMethodObject", outer.function, "im_func", "im_self")
    return replace(outer, function=function, owner=owner)


def _builtin(objects: Objects, outer: Callee, info: TypeInfo) -> Callee:
    """A built-in function is bound to the object whose method it is, or to the module that has it.

    The functions that every module has share no state of their own.
    """
    module, owner = objects.fields("PyCFunctionObject", outer.function, "m_module", "m_self")
    name = builtin_name(objects, outer.function)
    kind = objects.type_of(owner) if owner else None
    is_method = kind is not None and not objects.is_a(kind, "module")
    if module and objects.text(module) == "builtins":
        owner, is_method = 0, False
    return replace(
        outer, owner=owner or None, name=name, kind="call-method" if is_method else "call"
    )


def _wrapper(objects: Objects, outer: Callee, info: TypeInfo) -> Callee:
    descriptor, owner = objects.fields("wrapperobject", outer.function, "descr", "self")
    return replace(outer, function=descriptor, owner=owner)


def _descriptor(objects: Objects, outer: Callee, info: TypeInfo) -> Callee:
    """A method of a C type, whose object is the first argument where it is not bound."""
    name = objects.text(objects.field("PyDescrObject", outer.function, "d_name"))
    owner, arguments = _first(outer)
    return replace(outer, owner=owner, arguments=arguments, name=name, kind="call-method")


def _caller(objects: Objects, outer: Callee, info: TypeInfo) -> Callee | None:
    """A methodcaller's own arguments are left out: what counts is the object of the method."""
    owner, rest = _first(outer)
    name = objects.text(objects.field("methodcallerobject", outer.function, "name"))
    if owner is None or name is None:
        return None
    kind = objects.type_of(owner)
    function = class_attribute(objects, kind, name) if kind else None
    return Callee(
        function=function or 0,
        owner=owner,
        arguments=rest,
        name=name,
        kind="call-method",
        is_hidden=True,
    )


def _getter(objects: Objects, outer: Callee, info: TypeInfo) -> Callee:
    owner, rest = _first(outer)
    return replace(outer, owner=owner, arguments=rest, kind=GETTERS[info.name], is_hidden=True)


def _cached(objects: Objects, outer: Callee, info: TypeInfo) -> Callee:
    function = objects.field("lru_cache_object", outer.function, "func")
    return replace(outer, function=function)


def _static(objects: Objects, outer: Callee, info: TypeInfo) -> Callee:
    return replace(outer, function=objects.field("staticmethod", outer.function, "sm_callable"))


def _task_step(objects: Objects, outer: Callee, info: TypeInfo) -> Callee:
    """What an event loop calls for a task's next step: it resumes the task's coroutine."""
    task = objects.field("TaskStepMethWrapper", outer.function, "sw_task")
    return Callee(function=0, owner=task, name="send", kind="call-method", is_hidden=True)


def _first(outer: Callee) -> tuple[int | None, tuple[int | None, ...]]:
    """The object that a function which is not bound works on, and the other arguments."""
    if outer.owner is not None or not outer.arguments:
        return outer.owner, outer.arguments
    return outer.arguments[0], outer.arguments[1:]


WRAPPERS = {
    "functools.partial": _partial,
    "method": _bound,
    "builtin_function_or_method": _builtin,
    "builtin_method": _builtin,
    "method-wrapper": _wrapper,
    "method_descriptor": _descriptor,
    "wrapper_descriptor": _descriptor,
    "operator.methodcaller": _caller,
    **dict.fromkeys(GETTERS, _getter),
    "functools._lru_cache_wrapper": _cached,
    "staticmethod": _static,
    "_asyncio.TaskStepMethWrapper": _task_step,
}
"""How each callable type calls another one."""


def code_of(objects: Objects, target: Callee) -> int | None:
    """The code object of a function written in Python."""
    info = objects.type_of(target.function) if target.is_python else None
    if info is None or info.name != "function":
        return None
    return objects.pointer("PyFunctionObject", target.function, "func_code")


def entered(objects: Objects, target: Callee, code: FrameCode) -> Frame:
    """The frame of a function written in Python as it begins: its arguments are those of the call
    as far as they are known.
    """
    slots, packed = _bound_arguments(target, code)
    closure = objects.pointer("PyFunctionObject", target.function, "func_closure")
    cells = objects.tuple_items(closure) if closure else ()
    if cells:
        slots.update(zip(code.slot_names[-len(cells) :], cells))
    namespace = objects.pointer("PyFunctionObject", target.function, "func_globals")
    return Frame(
        0,
        code.address,
        code.name,
        code.file,
        None,
        None,
        namespace or 0,
        slots,
        (),
        code.slot_names,
        packed=packed,
    )


def _bound_arguments(
    target: Callee, code: FrameCode
) -> tuple[dict[str, int], dict[str, tuple[tuple[str | None, int | None], ...]]]:
    """Which local takes which argument, and what ``*args`` and ``**kwargs`` take
    (Python/ceval.c, initialize_locals).
    """
    own = () if target.owner is None else (target.owner,)
    count = len(target.arguments) - len(target.keywords)
    positional = (*own, *target.arguments[:count])
    named = dict(zip(target.keywords, target.arguments[count:]))
    places = len(code.slot_names) if code.argument_count is None else code.argument_count
    parameters = code.slot_names[: places + code.keyword_only_count]
    values = dict(zip(parameters[:places], positional))
    values |= {name: value for name, value in named.items() if name in parameters}
    rest, others = code.packs
    packed: dict[str, tuple[tuple[str | None, int | None], ...]] = {}
    if rest:
        packed[rest] = tuple((None, value) for value in positional[places:])
    if others:
        packed[others] = tuple(each for each in named.items() if each[0] not in parameters)
    return {name: value for name, value in values.items() if name and value}, packed
