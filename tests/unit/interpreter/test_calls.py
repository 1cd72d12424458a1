"""What is called behind partials, bound methods and the like."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdbext.cpython.interpreter.calls import Callee, called, callee, entered, run_by_c
from gdbext.cpython.interpreter.frames import CO_VARARGS, CO_VARKEYWORDS, Frame, FrameCode
from gdbext.cpython.interpreter.operations import BytecodeOperation
from unit.objects.object_world import World


@pytest.fixture
def world() -> World:
    return World()


def method_of(world: World, owner: int, name: str, module: int = 0) -> int:
    """A built-in function, bound to its owner."""
    definition = world.allocate(world.layout.size("PyMethodDef"))
    world.set("PyMethodDef", definition, ml_name=world.cstring(name))
    return world.slotted(
        "builtin_function_or_method", m_ml=definition, m_self=owner, m_module=module
    )


def partial(world: World, function: int, *arguments: int) -> int:
    return world.slotted("functools.partial", fn=function, args=world.tuple(arguments))


def what(world: World, function: int, *arguments: int) -> Callee:
    found = called(world.objects, function, None, arguments)
    assert found is not None
    return found


def test_a_bound_method_is_called_by_its_own_name(world: World) -> None:
    shared, item = world.put([]), world.put(1)
    found = what(world, method_of(world, shared, "append"), item)
    assert (found.owner, found.name, found.arguments) == (shared, "append", (item,))
    assert found.kind == "call-method"


def test_a_function_of_the_builtins_is_of_no_object(world: World) -> None:
    module = world.slotted("module", md_dict=world.put({}))
    function = method_of(world, module, "next", world.put("builtins"))
    found = what(world, function, world.none)
    assert (found.owner, found.name, found.kind) == (None, "next", "call")


def test_partials_add_their_arguments_before_those_of_the_call(world: World) -> None:
    shared, first, second, third = map(world.put, ([], 1, 2, 3))
    inner = partial(world, method_of(world, shared, "insert"), first)
    found = what(world, partial(world, inner, second), third)
    assert (found.owner, found.name) == (shared, "insert")
    assert found.arguments == (first, second, third)
    assert found.is_hidden


def test_keywords_of_partials_are_arguments_by_name(world: World) -> None:
    shared, other = world.put([]), world.put(1)
    function = world.slotted("function", "PyFunctionObject")
    named = world.slotted(
        "functools.partial",
        fn=function,
        args=world.tuple(()),
        kw=world.dict([(world.put("target"), shared)]),
    )
    found = called(world.objects, named, None, (other,), ())
    assert found is not None
    assert (found.arguments, found.keywords) == ((other, shared), ("target",))


def test_a_partial_in_itself_ends(world: World) -> None:
    ring = world.object("functools.partial", world.layout.size("partialobject"))
    world.set("partialobject", ring, fn=ring, args=world.tuple(()))
    assert what(world, ring).name is None


def test_a_descriptor_works_on_its_first_argument(world: World) -> None:
    shared, item = world.put([]), world.put(1)
    descriptor = world.slotted("method_descriptor", "PyDescrObject", d_name=world.put("append"))
    found = what(world, descriptor, shared, item)
    assert (found.owner, found.name, found.arguments) == (shared, "append", (item,))


def test_a_slot_wrapper_is_of_the_object_that_it_is_bound_to(world: World) -> None:
    shared = world.put([])
    descriptor = world.slotted("method_descriptor", "PyDescrObject", d_name=world.put("__next__"))
    bound = world.slotted("method-wrapper", descr=descriptor, self=shared)
    assert (what(world, bound).owner, what(world, bound).name) == (shared, "__next__")


def test_a_class_is_called_by_its_name(world: World) -> None:
    shared = world.put([])
    found = what(world, world.types["collections.deque"], shared)
    assert (found.name, found.owner, found.arguments) == ("deque", None, (shared,))


def test_a_context_calls_its_first_argument_with_the_others(world: World) -> None:
    shared, item = world.put([]), world.put(1)
    context = world.slotted("_contextvars.Context")
    values = {"context": context, "f": method_of(world, shared, "append"), "x": item}
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, values, (), tuple(values))
    run = BytecodeOperation(0, "call-method", ("fast", 0), "run", (("fast", 1), ("fast", 2)))
    found = callee(world.objects, frame, run, False)
    assert found is not None
    assert (found.owner, found.name, found.arguments) == (shared, "append", (item,))
    assert found.is_hidden
    other = BytecodeOperation(0, "call-method", ("fast", 2), "run", (("fast", 1),))
    assert callee(world.objects, frame, other, False) is None


def test_a_partial_of_a_contexts_method_calls_what_that_is_given(world: World) -> None:
    """``asyncio.to_thread`` hands a pool ``partial(context.run, function, ...)``."""
    shared, item = world.put([]), world.put(1)
    context = world.slotted("_contextvars.Context")
    inner = partial(world, method_of(world, shared, "append"), item)
    found = what(world, partial(world, method_of(world, context, "run"), inner))
    assert (found.owner, found.name, found.arguments) == (shared, "append", (item,))
    assert found.is_hidden
    bare = what(world, partial(world, method_of(world, context, "run")))
    assert (bare.owner, bare.name) == (context, "run")


def accessed(world: World, receiver: int, kind: str, name: str, *values: int) -> Callee | None:
    """What an access to an attribute of a local variable calls."""
    slots = {"x": receiver} | {f"v{n}": value for n, value in enumerate(values)}
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, slots, (), tuple(slots))
    arguments = tuple(("fast", n + 1) for n in range(len(values)))
    access = BytecodeOperation(0, kind, ("fast", 0), name, arguments)
    return callee(world.objects, frame, access, False)


def class_with(world: World, name: str, **attributes: int) -> None:
    """A class statement's class with those attributes."""
    fields = world.dict([(world.put(key), value) for key, value in attributes.items()])
    world.set("PyTypeObject", world.new_class(name), tp_dict=fields)


def test_a_propertys_functions_are_called_for_its_attribute(world: World) -> None:
    getter, setter = world.slotted("function"), world.slotted("function")
    both = world.slotted("property", "propertyobject", prop_get=getter, prop_set=setter)
    class_with(world, "Paragraph", text=both, length=world.put(3))
    paragraph, value = world.instance("Paragraph"), world.put("x")
    assert accessed(world, paragraph, "load-attr", "text") == Callee(
        function=getter, owner=paragraph, is_python=True
    )
    assert accessed(world, paragraph, "store-attr", "text", value) == Callee(
        function=setter, owner=paragraph, arguments=(value,), is_python=True
    )
    assert accessed(world, paragraph, "delete-attr", "text") is None
    assert accessed(world, paragraph, "load-attr", "length") is None
    assert accessed(world, paragraph, "load-attr", "absent") is None


def test_a_descriptors_method_gets_the_instance(world: World) -> None:
    store = world.slotted("function")
    class_with(world, "Entry", __set__=store)
    entry = world.instance("Entry")
    class_with(world, "Table", entry=entry)
    table, value = world.instance("Table"), world.put(1)
    found = accessed(world, table, "store-attr", "entry", value)
    assert found == Callee(function=store, owner=entry, arguments=(table, value), is_python=True)
    assert accessed(world, table, "load-attr", "entry") is None


def test_what_cannot_be_called_calls_nothing_else(world: World) -> None:
    text = world.put("text")
    assert what(world, text) == Callee(function=text)


# --- arguments -----------------------------------------------------------------------------------


def code(names: str, count: int, keyword_only: int = 0, flags: int = 0) -> FrameCode:
    slots = tuple(names.split())
    return FrameCode(
        0,
        "f",
        "a.py",
        1,
        b"",
        0,
        0,
        {},
        slots,
        len(slots),
        0,
        argument_count=count,
        keyword_only_count=keyword_only,
        flags=flags,
    )


PACKS = CO_VARARGS | CO_VARKEYWORDS


def test_keywords_go_to_the_locals_of_their_names(world: World) -> None:
    function = world.slotted("function", "PyFunctionObject")
    call = Callee(function=function, arguments=(1, 2, 3), keywords=("size", "where"))
    frame = entered(world.objects, call, code("where count size local", 2, 1))
    assert frame.slots == {"where": 3, "size": 2}


def test_what_has_no_local_of_its_own_is_packed(world: World) -> None:
    function = world.slotted("function", "PyFunctionObject")
    call = Callee(function=function, owner=9, arguments=(1, 2, 3), keywords=("size",))
    frame = entered(world.objects, call, code("self args kwargs local", 1, 0, PACKS))
    assert frame.slots == {"self": 9}
    assert frame.packed == {"args": ((None, 1), (None, 2)), "kwargs": (("size", 3),)}


def test_arguments_are_followed_through_a_wrapper(world: World) -> None:
    """``def wrapper(*args, **kwargs): return function(*args, **kwargs)``"""
    function = world.slotted("function", "PyFunctionObject")
    call = Callee(function=function, arguments=(1, 2), keywords=("size",))
    inside = entered(world.objects, call, code("args kwargs function", 0, 0, PACKS))
    inside.slots["function"] = function
    handed_on = BytecodeOperation(
        0, "call", ("fast", 2), None, (("star", ("fast", 0)), ("star", ("fast", 1)))
    )
    found = callee(world.objects, inside, handed_on, False)
    assert found is not None
    assert (found.arguments, found.keywords) == ((1, 2), ("size",))


def test_a_real_tuple_and_a_real_dict_are_unpacked(world: World) -> None:
    function = world.slotted("function", "PyFunctionObject")
    one, two = world.put(1), world.put(2)
    values = {
        "f": function,
        "args": world.tuple((one,)),
        "kwargs": world.dict([(world.put("size"), two)]),
    }
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, values, (), tuple(values))
    run = BytecodeOperation(
        0, "call", ("fast", 0), None, (("star", ("fast", 1)), ("star", ("fast", 2)))
    )
    found = callee(world.objects, frame, run, False)
    assert found is not None
    assert (found.arguments, found.keywords) == ((one, two), ("size",))


JOB = ("fast", 0)
VALUE = ("fast", 1)


def class_of(world: World, name: str, **attributes: int) -> None:
    """A class statement's class with those attributes."""
    fields = world.dict([(world.put(key), value) for key, value in attributes.items()])
    world.set("PyTypeObject", world.new_class(name), tp_dict=fields)


def on(world: World, kind: str, name: str, job: int, value: int) -> Callee | None:
    """What an operation on an attribute of the variable ``job`` runs."""
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, {"job": job, "value": value}, (), ("job", "value"))
    arguments = () if kind == "load-attr" else (VALUE,)
    return callee(world.objects, frame, BytecodeOperation(0, kind, JOB, name, arguments), False)


def test_a_static_method_gets_the_calls_arguments_alone(world: World) -> None:
    function = world.slotted("function")
    method = world.slotted("staticmethod", sm_callable=function)
    class_of(world, "Job", apply=method, work=world.slotted("function"))
    job, value = world.instance("Job"), world.put([])
    found = on(world, "call-method", "apply", job, value)
    assert found is not None
    assert (found.function, found.owner, found.arguments) == (function, None, (value,))
    bound = on(world, "call-method", "work", job, value)
    assert bound is not None
    assert (bound.owner, bound.arguments) == (job, (value,))


def test_a_class_method_gets_the_class(world: World) -> None:
    function = world.slotted("function")
    class_of(world, "Job", make=world.slotted("classmethod", cm_callable=function))
    job, value = world.instance("Job"), world.put([])
    for receiver in (job, world.types["Job"]):
        found = on(world, "call-method", "make", receiver, value)
        assert found is not None
        assert (found.function, found.owner) == (function, world.types["Job"])


def test_a_class_attribute_gives_itself_unless_its_class_says_else(world: World) -> None:
    getter = world.slotted("function")
    class_of(world, "Cached", __get__=getter)
    class_of(world, "Job", limit=world.put(3), cached=world.instance("Cached"))
    job, value = world.instance("Job"), world.put([])
    assert on(world, "load-attr", "cached", job, value) is not None
    assert on(world, "load-attr", "limit", job, value) is None


def test_what_an_instance_has_itself_is_not_asked_of_a_class_that_only_gives(world: World) -> None:
    getter = world.slotted("function")
    class_of(world, "Cached", __get__=getter)
    made = world.new_class("Job", names=("result",))
    fields = world.dict([(world.put("result"), world.instance("Cached"))])
    world.set("PyTypeObject", made, tp_dict=fields)
    assert on(world, "load-attr", "result", world.instance("Job", world.put(1)), 0) is None


def test_a_class_may_set_all_attributes_itself(world: World) -> None:
    hook = world.slotted("function")
    class_of(world, "Job", __setattr__=hook)
    job, value = world.instance("Job"), world.put([])
    found = on(world, "store-attr", "result", job, value)
    assert found is not None
    assert (found.function, found.owner, found.arguments) == (hook, job, (None, value))


def run_on(world: World, receiver: int, kind: str, name: str | None = None) -> Callee | None:
    """What an operation on a local variable runs."""
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, {"job": receiver}, (), ("job",))
    return callee(world.objects, frame, BytecodeOperation(0, kind, JOB, name), False)


@pytest.mark.parametrize(
    ("kind", "name", "methods"),
    [
        ("load-subscr", None, ("__getitem__", "__missing__")),
        ("load-subscr", None, ("__missing__",)),
        ("next", None, ("__next__", "__anext__")),
        ("anext", None, ("__anext__", "__next__")),
        ("aiter", None, ("__aiter__",)),
        ("await", None, ("__await__",)),
        ("unpack", None, ("__next__", "__iter__")),
        ("extend", "list", ("__iter__",)),
        ("contains", None, ("__contains__", "__iter__")),
        ("truth", None, ("__len__",)),
        ("format", None, ("__format__", "__repr__")),
        ("format", "str", ("__str__", "__format__")),
        ("format", "repr", ("__repr__", "__str__")),
        ("compare", "<", ("__lt__", "__gt__")),
        ("compare", "!=", ("__eq__",)),
    ],
)
def test_an_operation_runs_the_special_method_that_python_says(
    world: World, kind: str, name: str | None, methods: tuple[str, ...]
) -> None:
    """The first of the methods that the class has; the others are for other operations."""
    functions = {method: world.slotted("function") for method in methods}
    class_of(world, "Job", **functions)
    job = world.instance("Job")
    found = run_on(world, job, kind, name)
    assert found is not None
    assert (found.function, found.owner) == (functions[methods[0]], job)
    assert run_on(world, world.put([]), kind, name) is None


@pytest.mark.parametrize(
    ("name", "kind", "owned", "runs"),
    [
        ("len", "call", False, "__len__"),
        ("str", "call", False, "__repr__"),
        ("sum", "call", False, "__next__"),
        ("writelines", "call-method", True, "__next__"),
        ("len", "call-method", True, None),
        ("id", "call", False, None),
    ],
)
def test_a_function_of_c_runs_special_methods_of_its_first_argument(
    world: World, name: str, kind: str, owned: bool, runs: str | None
) -> None:
    """``sum(rows)`` and ``out.writelines(rows)`` walk; a method called ``len`` is anybody's."""
    methods = {each: world.slotted("function") for each in ("__len__", "__repr__", "__next__")}
    class_of(world, "Rows", __iter__=world.slotted("function"), **methods)
    rows, out = world.instance("Rows"), world.put([])
    called_by_code = Callee(
        function=0, owner=out if owned else None, arguments=(rows,), name=name, kind=kind
    )
    found = run_by_c(world.objects, called_by_code)
    assert (found and (found.function, found.owner)) == (runs and (methods[runs], rows))
    of_c = replace(called_by_code, arguments=(world.put([]),))
    assert run_by_c(world.objects, of_c) is None
    in_python = replace(called_by_code, is_python=True)
    assert run_by_c(world.objects, in_python) is None
