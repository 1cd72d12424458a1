"""The repr: as Python's own, bounded, and honest about what cannot be shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.objects.object_world import VERSIONS, World

LIMIT = 100_000

PLAIN: list[Any] = [
    0,
    -1,
    2**30,
    -(2**100),
    True,
    False,
    None,
    ...,
    1.5,
    float("inf"),
    -0.0,
    1 + 2j,
    "it's",
    'say "hi"',
    "tab\tnul\0",
    "日本 😀 \ud800",
    b"",
    b"\0\xff'",
    bytearray(b"abc"),
    [],
    [1, "x", [None]],
    (),
    (1,),
    (1, (2,)),
    {},
    {"a": 1, "b": [2]},
    {1: 2, "x": None},
    set(),
    {7},
    frozenset(),
    frozenset({"x"}),
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_as_python(version: str, value: Any) -> None:
    world = World(version)
    assert world.objects.repr(world.put(value), LIMIT) == repr(value)


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20)
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=5)
    ),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(_VALUES, st.sampled_from(VERSIONS))
def test_any_value_as_python(value: Any, version: str) -> None:
    world = World(version)
    assert world.objects.repr(world.put(value), LIMIT, depth=50) == repr(value)


def test_limit() -> None:
    world = World()
    found = world.objects.repr(world.put(list(range(100))), 20)
    assert found == repr(list(range(100)))[:20] + "…"
    assert world.objects.repr(world.put("x" * 1000), 10) == "'" + "x" * 9 + "…"


def test_depth() -> None:
    world = World()
    nested: list[Any] = [1]
    for _ in range(10):
        nested = [nested]
    assert world.objects.repr(world.put(nested), depth=2) == "[[[…]]]"


def test_cycles() -> None:
    world = World()
    looped = world.list([0, world.put(1)])
    buffer = world.objects.field("PyListObject", looped, "ob_item")
    world.memory.write_word(buffer, looped)
    assert world.objects.repr(looped) == "[[...], 1]"
    keys = world.dict([(world.put("me"), looped)])
    world.memory.write_word(buffer, keys)
    assert world.objects.repr(keys) == "{'me': [{...}, 1]}"


def test_long_cycle_is_bounded() -> None:
    world = World()
    first = world.list([0])
    last = first
    for _ in range(200):
        last = world.list([last])
    world.memory.write_word(world.objects.field("PyListObject", first, "ob_item"), last)
    assert len(world.objects.repr(last, 10_000, depth=1_000)) < 200


def test_what_is_no_object() -> None:
    world = World()
    wild = world.allocate(64)
    world.memory.write(wild, b"\xdd" * 64)
    dead = world.put(3)
    world.set("PyObject", dead, ob_ref_local=0)
    lst = world.list([world.put(1), wild, 0, 0x1230, dead])
    assert world.objects.repr(lst, 500) == (
        f"[1, <✗ not an object at {wild:#x}>, <✗ NULL>, <✗ not an object at 0x1230>, "
        f"<✗ dead int object at {dead:#x}>]"
    )
    assert world.objects.repr(0) == "<✗ NULL>"


def test_stale_is_not_looked_into() -> None:
    world = World()
    item = world.put("secret")
    assert (
        world.objects.repr(world.list([item]), is_stale=lambda address: address == item)
        == f"[<✗ stale {item:#x}>]"
    )


def test_unreadable() -> None:
    world = World()
    lst = world.put([1])
    world.set("PyListObject", lst, ob_item=0x5008)
    assert world.objects.repr(lst) == f"<✗ unreadable list object at {lst:#x}>"


def test_instances_and_classes() -> None:
    world = World()
    made = world.new_class("Meal")
    instance = world.instance("Meal")
    assert world.objects.repr(made) == "<class '__main__.Meal'>"
    assert world.objects.repr(world.types["int"]) == "<class 'int'>"
    assert world.objects.repr(world.types["types.UnionType"]) == "<class 'types.UnionType'>"
    assert world.objects.repr(instance) == f"<__main__.Meal object at {instance:#x}>"


def test_subclass_with_a_repr_of_its_own() -> None:
    world = World()
    world.new_class("Pair", "tuple", own_repr=True)
    pair = world.tuple([world.put(1), world.put(2)], "Pair")
    assert world.objects.repr(pair) == f"<__main__.Pair object at {pair:#x}: (1, 2)>"
    world.new_class("Triple", "tuple")
    assert world.objects.repr(world.tuple([world.put(1)], "Triple")) == "(1,)"


def test_class_of_the_same_name_is_another() -> None:
    """Only a type made in C is taken for what its name says."""
    world = World()
    world.new_class("cell")
    instance = world.instance("cell")
    assert world.objects.repr(instance) == f"<__main__.cell object at {instance:#x}>"


def test_callables() -> None:
    world = World()
    put, text = world.put, world.objects.repr
    function = world.slotted("function", func_name=put("f"), func_qualname=put("C.f"))
    assert text(function) == f"<function C.f at {function:#x}>"
    assert (
        text(world.slotted("method", im_func=function, im_self=put(5))) == "<bound method C.f of 5>"
    )
    assert (
        text(world.slotted("classmethod", cm_callable=function))
        == f"<classmethod(<function C.f at {function:#x}>)>"
    )
    assert text(world.slotted("staticmethod", sm_callable=0)) == "<staticmethod(<✗ NULL>)>"
    definition = world.allocate(32)
    world.set("PyMethodDef", definition, ml_name=world.cstring("append"))
    lst = put([])
    assert (
        text(world.slotted("builtin_function_or_method", m_ml=definition))
        == "<built-in function append>"
    )
    bound = world.slotted("builtin_function_or_method", m_ml=definition, m_self=lst)
    assert text(bound) == f"<built-in method append of list object at {lst:#x}>"
    assert (
        text(world.slotted("method", im_func=bound, im_self=lst))
        == "<bound method list.append of []>"
    )
    descriptor = world.slotted(
        "method_descriptor", d_type=world.types["list"], d_name=put("append")
    )
    assert text(descriptor) == "<method 'append' of 'list' objects>"
    member = world.slotted("member_descriptor", d_type=world.types["list"], d_name=put("x"))
    assert text(member) == "<member 'x' of 'list' objects>"
    wrapper = world.slotted("method-wrapper", descr=descriptor, self=lst)
    assert text(wrapper) == f"<method-wrapper 'append' of list object at {lst:#x}>"


def test_cells() -> None:
    world = World()
    number = world.put(5)
    full, empty, wild = (world.slotted("cell", ob_ref=value) for value in (number, 0, 0x1230))
    assert world.objects.repr(full) == f"<cell at {full:#x}: int object at {number:#x}>"
    assert world.objects.repr(empty) == f"<cell at {empty:#x}: empty>"
    assert world.objects.repr(wild) == f"<cell at {wild:#x}: <✗ not an object at 0x1230>>"


@pytest.mark.parametrize("version", VERSIONS)
def test_modules(version: str) -> None:
    world = World(version)
    world.new_class(
        "ModuleSpec", module="_frozen_importlib", names=("name", "origin", "_set_fileattr")
    )

    def module(**values: Any) -> str:
        spec = [world.put(value) for value in values.pop("spec", ())]
        pairs = [(world.put(key), world.put(value)) for key, value in values.items()]
        if spec:
            pairs.append((world.put("__spec__"), world.instance("ModuleSpec", *spec)))
        return world.objects.repr(world.slotted("module", md_dict=world.dict(pairs)), LIMIT)

    assert module(spec=("os", "/lib/os.py", True)) == "<module 'os' from '/lib/os.py'>"
    assert module(spec=("sys", "built-in", False)) == "<module 'sys' (built-in)>"
    assert module(spec=("ns", None, False)) == "<module 'ns'>"
    assert module(__spec__=None, __name__="m", __file__="/m.py") == "<module 'm' from '/m.py'>"
    assert module(__name__="fresh") == "<module 'fresh'>"
    assert module() == "<module '?'>"


def test_weak_references() -> None:
    world = World()
    number, made = world.put(5), world.new_class("Meal")
    to_number, to_class, dead = (
        world.slotted("weakref.ReferenceType", wr_object=value)
        for value in (number, made, world.none)
    )
    assert world.objects.repr(to_number) == f"<weakref at {to_number:#x}; to 'int' at {number:#x}>"
    assert (
        world.objects.repr(to_class) == f"<weakref at {to_class:#x}; to 'type' at {made:#x} (Meal)>"
    )
    assert world.objects.repr(dead) == f"<weakref at {dead:#x}; dead>"


def test_exceptions() -> None:
    world = World()
    text = world.objects.repr
    assert text(world.slotted("BaseException", args=world.put(("x",)))) == "BaseException('x')"
    assert text(world.slotted("BaseException", args=world.put((1, 2)))) == "BaseException(1, 2)"
    assert (
        text(world.slotted("StopIteration", args=world.put((3,)), value=world.put(3)))
        == "StopIteration(3)"
    )
    world.new_class("Oops", "BaseException")
    assert text(world.slotted("Oops", "PyBaseExceptionObject", args=world.put(()))) == "Oops()"


def test_code_and_generators() -> None:
    world = World()
    code = world.slotted(
        "code", co_name=world.put("f"), co_filename=world.put("/a.py"), co_firstlineno=7
    )
    assert world.objects.repr(code) == f'<code object f at {code:#x}, file "/a.py", line 7>'
    generator = world.slotted("generator", gi_name=world.put("g"), gi_qualname=world.put("C.g"))
    assert world.objects.repr(generator) == f"<generator object C.g at {generator:#x}>"


def test_little_ones() -> None:
    world = World()
    put, text = world.put, world.objects.repr
    assert (
        text(world.slotted("slice", start=put(1), stop=put(None), step=put([2])))
        == "slice(1, None, [2])"
    )
    assert text(world.slotted("range", start=put(0), stop=put(3), step=put(1))) == "range(0, 3)"
    assert text(world.slotted("range", start=put(0), stop=put(9), step=put(2))) == "range(0, 9, 2)"
    assert (
        text(world.slotted("types.SimpleNamespace", ns_dict=put({"a": 1, "b": "x"})))
        == "namespace(a=1, b='x')"
    )
    assert text(world.slotted("mappingproxy", mapping=put({"a": 1}))) == "mappingproxy({'a': 1})"
    assert text(world.slotted("dict_keys", dv_dict=put({"a": 1}))) == "dict_keys(['a'])"
    assert (
        text(world.slotted("dict_items", dv_dict=put({"a": 1, 2: 3})))
        == "dict_items([('a', 1), (2, 3)])"
    )
    partial = world.slotted(
        "functools.partial", fn=world.types["int"], args=put(("7",)), kw=put({"base": 8})
    )
    assert text(partial) == "functools.partial(<class 'int'>, '7', base=8)"
    assert text(world.slotted("typing.TypeVar", name=put("T"))) == "~T"
    assert text(world.slotted("super", type=world.types["int"])) == "<super: <class 'int'>, NULL>"
    iterator = world.slotted("list_iterator", it_seq=put([]))
    assert text(iterator) == f"<list_iterator object at {iterator:#x}>"


def deque(world: World, items: list[int], left: int, maxlen: int = -1) -> int:
    """A deque whose first item is number ``left`` of its first block."""
    room = world.layout.struct("BLOCK").field("data").size // 8
    slots = [0] * left + items
    blocks = [
        world.allocate(world.layout.size("BLOCK")) for _ in range(0, max(len(slots), 1), room)
    ]
    for number, block in enumerate(blocks):
        part = slots[number * room : (number + 1) * room]
        world.memory.write(block + world.layout.offset("BLOCK", "data"), world.words(*part))
        world.set("BLOCK", block, rightlink=blocks[number + 1] if number + 1 < len(blocks) else 0)
    return world.slotted(
        "collections.deque", ob_size=len(items), leftblock=blocks[0], leftindex=left, maxlen=maxlen
    )


def test_deques() -> None:
    world = World()
    items = [world.put(i) for i in range(150)]
    assert world.objects.repr(deque(world, items, 62), LIMIT) == f"deque({list(range(150))})"
    assert world.objects.repr(deque(world, items[:2], 5, 3)) == "deque([0, 1], maxlen=3)"
    assert world.objects.repr(deque(world, [], 32)) == "deque([])"


def test_deque_in_a_cycle() -> None:
    world = World()
    address = deque(world, [world.put(1)] * 64, 0)
    block = world.objects.field("dequeobject", address, "leftblock")
    world.set("BLOCK", block, rightlink=block)
    world.set("dequeobject", address, ob_size=1 << 20)
    assert "unreadable" in world.objects.repr(address, LIMIT)


def test_dicts_with_more() -> None:
    world = World()
    pairs = [(world.put("a"), world.put(1)), (world.put("b"), world.put(2))]
    default = world.dict(pairs, type_name="collections.defaultdict")
    assert world.objects.repr(default) == "defaultdict(None, {'a': 1, 'b': 2})"
    world.set("defdictobject", default, default_factory=world.types["list"])
    assert world.objects.repr(default) == "defaultdict(<class 'list'>, {'a': 1, 'b': 2})"
    ordered = world.dict(pairs, type_name="collections.OrderedDict")
    assert world.objects.repr(ordered) == "OrderedDict()"
    first, second = (world.allocate(world.layout.size("_odictnode")) for _ in range(2))
    world.set("_odictnode", first, key=pairs[1][0], next=second)
    world.set("_odictnode", second, key=pairs[0][0])
    world.set("PyODictObject", ordered, od_first=first)
    assert world.objects.repr(ordered) == "OrderedDict({'b': 2, 'a': 1})"
    world.set("_odictnode", second, next=first)
    assert "unreadable" in world.objects.repr(ordered)


def test_number_too_large() -> None:
    world = World()
    assert world.objects.repr(world.put(1 << 20_000)).startswith("<int of 667 digits")
    wild = world.put(5)
    world.set("PyLongObject", wild, lv_tag=0xDDDDDDDDDDDDDDDD)
    assert "digits" in world.objects.repr(wild)
