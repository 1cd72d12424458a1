"""What an operation of bytecode does to the objects that it names."""

from __future__ import annotations

import pytest

from gdbext.cpython.interpreter.calls import callee
from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.names import operand
from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.observe.bytecode_effects import effect_of
from gdbext.diagnosis.observe.operands import Operand, operands
from gdbext.diagnosis.observe.operations import CALL
from gdbext.model import Operation, OperationKind
from unit.interpreter.test_calls import method_of
from unit.objects.object_world import World

SHARED = ("fast", 0)


@pytest.fixture
def world() -> World:
    return World()


def class_of(world: World, name: str, **attributes: int) -> int:
    """A class statement's class with those attributes."""
    made = world.new_class(name)
    fields = world.dict([(world.put(key), value) for key, value in attributes.items()])
    world.set("PyTypeObject", made, tp_dict=fields, tp_iternext=0x40_9000)
    return made


def on(world: World, shared: int, kind: str, name: str | None = None) -> Operand:
    """The operation's view of the local variable that is the object."""
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, {"shared": shared}, (), ("shared",))
    operation = BytecodeOperation(0, kind, SHARED, name)
    (found,) = operands(world.objects, frame, operation, None, is_on_stack=False)
    return found


def test_to_look_up_a_method_of_a_class_does_nothing_to_the_object(world: World) -> None:
    class_of(world, "Headers", replace=world.slotted("function"), limit=world.put(3))
    headers = world.instance("Headers")
    assert on(world, headers, "load-attr", "replace").shows_elsewhere
    assert not on(world, headers, "load-attr", "limit").shows_elsewhere
    assert on(world, world.put([]), "load-attr", "append").shows_elsewhere


def test_an_instance_is_an_iterator_only_where_its_class_says_so(world: World) -> None:
    """Every class's slot is filled."""
    class_of(world, "Headers")
    class_of(world, "Rows", __next__=world.slotted("function"))
    assert not on(world, world.instance("Headers"), "next").is_iterator
    assert on(world, world.instance("Rows"), "next").is_iterator


def test_a_coroutine_is_stepped_as_an_iterator_is(world: World) -> None:
    coroutine = world.object("coroutine", world.layout.size("PyCoroObject"))
    assert on(world, coroutine, "send").effect("coroutine") is Effect.WRITE


def test_what_is_called_with_packed_arguments_was_given(world: World) -> None:
    """``callback(*args)`` of an ExitStack's ``__exit__``."""
    shared, item = world.put([]), world.put(1)
    values = {"callback": method_of(world, shared, "append"), "args": world.tuple([item])}
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, values, (), tuple(values))
    packed, named = (("star", ("fast", 1)),), (("fast", 1),)
    given = []
    for arguments in (packed, named):
        call = BytecodeOperation(0, "call", SHARED, "callback", arguments)
        target = callee(world.objects, frame, call, False)
        assert target is not None
        found = operands(world.objects, frame, call, target, is_on_stack=False)
        (own,) = (each for each in found if each.address == shared)
        assert own.operation.verb == "append"
        given.append(own.is_given)
    assert given == [True, False]


def test_a_method_of_an_unknown_type_is_what_the_code_calls_it(world: World) -> None:
    """What nanobind's classes have as methods has no name that is known here."""
    binding = world.new_class("nb_method")
    world.set("PyTypeObject", binding, tp_descr_get=0x40_9000)
    class_of(world, "Registry", get=world.instance("nb_method"))
    shared = world.instance("Registry")
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, {"shared": shared}, (), ("shared",))
    call = BytecodeOperation(0, "call-method", SHARED, "get")
    target = callee(world.objects, frame, call, False)
    found = list(operands(world.objects, frame, call, target, is_on_stack=False))
    assert {each.operation.verb for each in found if each.address == shared} == {"get"}


def mapped(world: World, function: int, *sources: int) -> list[tuple[int, str | None]]:
    """The objects that a step of ``map(function, *sources)`` works on, and what it does to each."""
    iterator = world.slotted("map", "mapobject", iters=world.tuple(sources), func=function)
    world.set("PyTypeObject", world.types["map"], tp_iternext=0x40_9000)
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, {"shared": iterator}, (), ("shared",))
    step = BytecodeOperation(0, "next", SHARED)
    found = operands(world.objects, frame, step, None, is_on_stack=False)
    return [(each.address, each.operation.verb) for each in found]


def test_map_calls_its_function_with_the_items_that_come_next(world: World) -> None:
    """``map(operator.methodcaller("pop"), repeat(shared))``."""
    shared, other = world.put([]), world.put([])
    pop = world.slotted("method_descriptor", "PyDescrObject", d_name=world.put("pop"))
    repeat = world.slotted("itertools.repeat", "repeatobject", element=shared)
    assert (shared, "pop") in mapped(world, pop, repeat)
    walked = world.list([other, shared])
    items = world.slotted("list_iterator", it_seq=walked, it_index=1)
    assert (shared, "pop") in mapped(world, pop, items)
    assert (other, "pop") not in mapped(world, pop, items)
    world.set("_PyListIterObject", items, it_index=2)
    assert "pop" not in [verb for _, verb in mapped(world, pop, items)]
    bound = method_of(world, other, "append")
    assert (other, "append") in mapped(world, bound, repeat)


def test_what_is_raised_gets_a_traceback() -> None:
    raised = BytecodeOperation(0, "raise", SHARED)
    assert effect_of("ValueError", raised, is_iterator=False) is Effect.WRITE
    assert effect_of("type", raised, is_iterator=False) is Effect.READ


def by_name(world: World, function: str, *values: int, **global_names: int) -> Operand:
    """What ``function(shared, name, …)`` does to the object; ``name`` and so on are local
    variables.
    """
    shared = world.instance("Node")
    names = dict(zip(("name", "value"), values, strict=False))
    slots = {"shared": shared, **names}
    bound = world.dict([(world.put(key), value) for key, value in global_names.items()])
    frame = Frame(0, 0, "f", "a.py", 1, 0, bound, slots, (), tuple(slots))
    given = tuple(("fast", place) for place in range(len(slots)))
    operation = BytecodeOperation(0, "call", ("global", function), function, given)
    found = operands(world.objects, frame, operation, None, is_on_stack=False)
    return next(each for each in found if each.address == shared)


def test_an_attribute_that_is_asked_for_by_its_name_is_that_attribute(world: World) -> None:
    class_of(world, "Node")
    asked = by_name(world, "getattr", world.put("limit"))
    assert asked.operation == Operation(kind=OperationKind.GETATTR, name="limit")
    stored = by_name(world, "setattr", world.put("limit"), world.put([]))
    assert stored.operation == Operation(kind=OperationKind.SETATTR, name="limit")
    assert stored.stores == "list"
    assert by_name(world, "delattr", world.put("limit")).effect("Node") is Effect.WRITE


def test_what_only_has_the_name_of_getattr_is_a_call(world: World) -> None:
    class_of(world, "Node")
    own = by_name(world, "getattr", world.put("limit"), getattr=world.slotted("function"))
    assert own.operation == Operation(kind=OperationKind.CALL, name="getattr")
    unknown = by_name(world, "getattr", world.put(7))
    assert unknown.operation == Operation(kind=OperationKind.CALL, name="getattr")


@pytest.mark.parametrize(
    ("name", "kind", "effect"),
    [
        ("set", "call", Effect.READ),
        ("set", "call-method", Effect.UNKNOWN),
        ("filter", "call-method", Effect.UNKNOWN),
        ("get", "call-method", Effect.READ),
        ("clear", "call-method", Effect.RESIZE),
    ],
)
def test_a_method_is_not_the_built_in_function_of_its_name(
    name: str, kind: str, effect: Effect
) -> None:
    """``registry.set("key", value)`` of an extension's type is no ``set(items)``."""
    called = BytecodeOperation(0, kind, name=name)
    assert effect_of("registry.Registry", called, is_iterator=False) is effect


def test_to_ask_an_iterator_for_an_iterator_does_nothing_to_it(world: World) -> None:
    """``for row in rows`` where ``rows`` is one: each step that follows does."""
    rows = world.object("generator", world.layout.size("PyGenObject"))
    assert on(world, rows, "iter").shows_elsewhere
    assert not on(world, rows, "next").shows_elsewhere
    assert not on(world, world.put([]), "iter").shows_elsewhere


def test_a_class_keeps_its_attributes_under_a_lock(world: World) -> None:
    """Those that are type's own are kept elsewhere, and set without."""
    made = class_of(world, "Settings")
    for name, is_guarded in (("limit", True), ("__name__", False)):
        for kind in ("store-attr", "delete-attr", "load-attr"):
            assert on(world, made, kind, name).is_guarded("type") is is_guarded, (kind, name)
    assert not on(world, made, "store-attr", None).is_guarded("type")


def test_a_class_attribute_that_describes_nothing_is_only_what_an_instance_lacks(
    world: World,
) -> None:
    class_of(world, "Pool", current=world.put([]), shared=world.instance(_described(world)))
    pool = world.instance("Pool")
    assert on(world, pool, "load-attr", "current").is_guarded("Pool")
    assert on(world, pool, "store-attr", "current").is_guarded("Pool")
    assert not on(world, pool, "load-attr", "shared").is_guarded("Pool")


def _described(world: World) -> str:
    """A class of descriptors that are not written in Python."""
    world.set("PyTypeObject", class_of(world, "Member"), tp_descr_get=0x40_9100)
    return "Member"


def test_a_function_is_read_by_its_call_and_changed_by_its_own_fields_alone(world: World) -> None:
    function = world.slotted("function")
    called = on(world, function, "call", "handler")
    assert called.effect("function") is Effect.READ
    assert not called.is_guarded("function")
    assert not on(world, function, "store-attr", "__defaults__").is_guarded("function")
    assert on(world, function, "store-attr", "calls").is_guarded("function")


def test_what_an_attribute_holds_is_what_is_called(world: World) -> None:
    """Nothing is done to the object that has it."""
    world.set("PyTypeObject", class_of(world, "Job"), tp_call=0x40_9200)
    assert world.new_class("Binding", names=("handler",))
    job = world.instance("Job")
    binding = world.instance("Binding", job)
    outer, held = _calls(world, binding, "handler")
    assert (outer.address, outer.shows_elsewhere) == (binding, True)
    assert (held.address, held.operation, held.shows_elsewhere) == (job, CALL, False)


def test_what_binds_to_the_object_is_its_method_whatever_its_type(world: World) -> None:
    """Those that pybind11, nanobind and Cython make; held by an instance it does not bind."""
    described = class_of(world, "nb_method")
    world.set("PyTypeObject", described, tp_call=0x40_9200, tp_descr_get=0x40_9100)
    method = world.instance("nb_method")
    class_of(world, "Registry", set=method)
    (found,) = _calls(world, world.instance("Registry"), "set")
    assert (found.operation.name, found.shows_elsewhere) == ("set", False)
    assert world.new_class("Holder", names=("set",))
    _, held = _calls(world, world.instance("Holder", method), "set")
    assert held.address == method


def test_what_a_call_has_given_is_not_what_was_called(world: World) -> None:
    """It lies where the method was on the value stack."""
    shared, result = world.put([]), world.put({})
    frame = Frame(
        0, 0, "f", "a.py", 1, 0, 0, {"shared": shared}, (), ("shared",), room=(result, shared)
    )
    places = {("attr", SHARED, "pop"): 0, SHARED: 1}
    operation = BytecodeOperation(0, "call-method", SHARED, "pop", (), places)
    (found,) = operands(world.objects, frame, operation, None, is_on_stack=True)
    assert (found.address, found.shows_elsewhere) == (shared, False)


def test_of_a_variable_that_is_stored_to_the_value_is_looked_up_as_usual(world: World) -> None:
    cell = world.slotted("cell")
    namespace = world.put({"limit": 3})
    frame = Frame(0, 0, "f", "a.py", 1, 0, namespace, {"shared": cell}, (), ("shared",))
    variable = ("deref", 0)
    operation = BytecodeOperation(0, "store-deref", variable, None, (("global", "limit"),))
    (found,) = operands(world.objects, frame, operation, None, is_on_stack=False)
    assert found.address == cell
    limit = operand(world.objects, frame, operation, ("global", "limit"), False)
    assert limit is not None
    assert world.objects.int_value(limit) == 3


def test_a_method_is_called_on_the_object_that_has_it(world: World) -> None:
    (found,) = _calls(world, world.put([]), "append")
    assert not found.shows_elsewhere


def _calls(world: World, shared: int, name: str) -> list[Operand]:
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, {"shared": shared}, (), ("shared",))
    operation = BytecodeOperation(0, "call-method", SHARED, name)
    return list(operands(world.objects, frame, operation, None, is_on_stack=False))


def test_a_with_ends_on_what_its_variable_names_where_that_is_c_codes(world: World) -> None:
    """``with connection.blobopen(…) as shared``; a class's ``__enter__`` may give anything."""
    table = world.allocate(4 * world.layout.size("PyMethodDef"))
    world.set("PyMethodDef", table, ml_name=world.cstring("__exit__"))
    world.set("PyTypeObject", world.types["memoryview"], tp_methods=table)
    left = over(world, world.slotted("memoryview"))
    assert left is not None
    assert (left.operation.verb, left.effect("memoryview")) == ("__exit__", Effect.RESIZE)
    class_of(world, "Pages", __exit__=world.slotted("function"))
    assert over(world, world.instance("Pages")) is None
    assert over(world, world.put([])) is None


def over(world: World, shared: int) -> Operand | None:
    """What the end of ``with make() as shared`` does to the object, when that is over."""
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, {"shared": shared}, (), ("shared",))
    operation = BytecodeOperation(0, "call-method", ("entered", SHARED), "__exit__")
    return next(operands(world.objects, frame, operation, None, is_on_stack=False), None)


@pytest.mark.parametrize(
    ("kind", "name"), [("next", None), ("call", "sum"), ("call-method", "__next__")]
)
def test_a_step_that_is_written_in_python_shows_in_its_own_code(
    world: World, kind: str, name: str | None
) -> None:
    """Be the instance stepped by the code itself, or by a function or an iterator of C's."""
    step = world.slotted("function")
    class_of(world, "Rows", __next__=step)
    rows = world.instance("Rows")
    lines = world.slotted("map", iters=world.tuple([rows]))
    world.set("PyTypeObject", world.types["map"], tp_iternext=0x40_9000)
    for shared in (rows, lines):
        names = ("sum", "shared") if name == "sum" else ("shared",)
        frame = Frame(0, 0, "f", "a.py", 1, 0, 0, {"shared": shared}, (), names)
        last = ("fast", len(names) - 1)
        given = (("global", "sum"), (last,)) if name == "sum" else (last, ())
        operation = BytecodeOperation(0, kind, given[0], name, given[1])
        found = operands(world.objects, frame, operation, None, is_on_stack=False)
        each = next(o for o in found if o.address == rows)
        assert each.shows_elsewhere
        assert each.steps_by is not None
        assert (each.steps_by.function, each.steps_by.owner) == (step, rows)


def test_a_class_pattern_reads_the_attributes_that_it_names(world: World) -> None:
    class_of(world, "Node")
    shared = world.instance("Node")
    names = world.tuple([world.put("limit"), world.put("__dict__")])
    slots = {"shared": shared, "names": names}
    frame = Frame(0, 0, "f", "a.py", 1, 0, 0, slots, (), tuple(slots))
    match = BytecodeOperation(0, "match", SHARED, None, (None, ("fast", 1)))
    found = list(operands(world.objects, frame, match, None, is_on_stack=False))
    done = [(each.address, each.operation.verb, each.operation.attribute) for each in found]
    assert done == [(shared, "getattr", "limit"), (shared, "getattr", "__dict__")]
    assert [each.is_guarded("Node") for each in found] == [True, False]


def test_where_the_code_takes_an_object_from(world: World) -> None:
    page = world.slotted("memoryview")
    class_of(world, "Album", page=page)
    album, pages = world.types["Album"], world.list([page])
    bound = world.dict([(world.put("page"), page)])
    slots = {"album": album, "pages": pages, "page": page}
    frame = Frame(0, 0, "f", "a.py", 1, 0, bound, slots, (), tuple(slots))
    for name, place in (
        (("global", "page"), (bound, "page")),
        (("attr", ("fast", 0), "page"), (album, "page")),
        (("item", ("fast", 1), ("int", 0)), (pages, None)),
        (("fast", 2), None),
    ):
        operation = BytecodeOperation(0, "load-subscr", name)
        (found, *_) = operands(world.objects, frame, operation, None, is_on_stack=False)
        assert (found.address, found.place) == (page, place)
