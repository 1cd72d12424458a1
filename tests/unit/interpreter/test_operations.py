"""What the stored functions do, said with the names of their source."""

from __future__ import annotations

import random

import pytest

from fakes import opcodes_of
from gdbext.cpython.interpreter.bytecode import instructions
from gdbext.cpython.interpreter.operations import BytecodeOperation, Name, operation_at, operations
from unit.interpreter.code_samples import encoded
from unit.interpreter.snippets import MINORS, snippet


def walked(code: bytes, names: list[str], minor: int) -> list[BytecodeOperation]:
    table = opcodes_of(minor)
    return operations(instructions(code, table), names, table)


def done(minor: int, function: str) -> list[BytecodeOperation]:
    code = snippet(minor, function)
    return walked(bytes.fromhex(code["code"]), code["names"], minor)


def spoken(minor: int, function: str) -> list[str]:
    """``call-method lst.clear()``; loads of attributes left out, for each method call has one."""
    slots = snippet(minor, function)["slots"]

    def say(name: Name | None) -> str:
        if name is None:
            return "?"
        kind: str = name[0]
        rest = name[1:]
        if kind in ("fast", "deref"):
            return str(slots[rest[0]])
        if kind in ("global", "name"):
            return str(rest[0])
        if kind == "attr":
            return f"{say(rest[0])}.{rest[1]}"
        if kind == "item":
            return f"{say(rest[0])}[{say(rest[1])}]"
        if kind == "star":
            return f"*{say(rest[0])}"
        return {"const": "const", "int": "const", "result": "new"}.get(kind, kind)

    found = []
    for operation in done(minor, function):
        name = f".{operation.name}" if operation.name else ""
        arguments = ", ".join(map(say, operation.arguments))
        found.append(f"{operation.kind} {say(operation.receiver)}{name}({arguments})")
    return [line for line in found if not line.startswith("load-attr")]


EXPECTED = {
    "clears": ["call-method lst.clear()"],
    "shows": ["call repr.repr(value)", "format value.repr()", "format new()", "format text()"],
    "changes_attributes": [
        "store-attr owner.inner.count(const)",
        "store-attr owner.extra(owner.items)",
        "delete-attr owner.extra()",
    ],
    "changes_items": [
        "store-subscr table(key, const)",
        "load-subscr table(key)",
        "binary-op table[key].+=(const)",
        "store-subscr table(key, new)",
        "delete-subscr table(key)",
    ],
    "key_of": ["truth value()"],
    "compares": ["compare left.<(right)", "truth new()", "contains lst(left)"],
    "adds": ["binary-op left.+=(build)", "binary-op left.+(left)"],
    "unpacks": ["unpack values()", "extend rest.list(build)"],
    "enters": ["call-method manager.__enter__()", "call-method inside.append(const)"],
    "calls": [
        "extend named.dict(build)",
        "call function(*values, *named)",
        "call sorted.sorted(values, id)",
    ],
    "chooses": ["truth left()", "call-method ?.append(const)"],
    "bump": ["load-deref counter()", "binary-op counter.+=(const)", "store-deref counter(new)"],
    "catches": ["call-method table.pop(const)", "call-method table.clear()"],
}


@pytest.mark.parametrize("function", EXPECTED)
@pytest.mark.parametrize("minor", MINORS)
def test_what_a_function_does(minor: int, function: str) -> None:
    assert spoken(minor, function)[: len(EXPECTED[function])] == EXPECTED[function]


@pytest.mark.parametrize("minor", MINORS)
def test_loops_name_what_they_go_over(minor: int) -> None:
    found = spoken(minor, "loops")
    assert found[:3] == ["iter values()", "next values()", "call-method total.append(value)"]
    assert found[-1] == "next total()"


@pytest.mark.parametrize("minor", MINORS)
def test_slices_are_items(minor: int) -> None:
    found = [(o.kind, o.receiver) for o in done(minor, "slices") if "subscr" in o.kind]
    assert found == [("load-subscr", ("fast", 0)), ("store-subscr", ("fast", 0))]


@pytest.mark.parametrize("minor", MINORS)
def test_the_operation_at_a_frame_s_instruction(minor: int) -> None:
    found = done(minor, "clears")
    call = next(i for i in snippet(minor, "clears")["instructions"] if i[1] == "CALL")
    assert operation_at(found, call[0]) == BytecodeOperation(
        call[0], "call-method", ("global", "lst"), "clear"
    )
    assert operation_at(found, 0) is None


@pytest.mark.parametrize("minor", MINORS)
def test_what_two_ways_disagree_on_is_unknown(minor: int) -> None:
    call = next(o for o in done(minor, "chooses") if o.kind == "call-method")
    assert (call.receiver, call.name) == (None, "append")


@pytest.mark.parametrize("minor", MINORS)
def test_random_bytes_are_no_harm(minor: int) -> None:
    source = random.Random(minor)
    for _ in range(200):
        code = source.randbytes(source.randrange(300))
        found = walked(code, ["a"], minor)
        assert len(found) <= len(code)


@pytest.mark.parametrize("minor", MINORS)
def test_names_cannot_grow_without_bound(minor: int) -> None:
    """Tuples of one tuple, over and over, would be a name of 200 ** 50 parts."""
    table = opcodes_of(minor)
    copy, build, truth = (table.plain.index(name) for name in ("COPY", "BUILD_TUPLE", "TO_BOOL"))
    code = bytes([copy, 1] * 200 + [build, 200]) * 50 + bytes([truth, 0])
    assert [(o.kind, o.receiver) for o in walked(code, [], minor)] == [("truth", None)]


@pytest.mark.parametrize("minor", MINORS)
def test_where_the_operands_lie_on_the_value_stack(minor: int) -> None:
    """Below a method's arguments lie the method and the object that it is of."""
    call = next(o for o in done(minor, "clears") if o.kind == "call-method")
    assert call.places == {("attr", ("global", "lst"), "clear"): 0, ("global", "lst"): 1}
    store = next(o for o in done(minor, "changes_items") if o.kind == "store-subscr")
    value, table, key = sorted(store.places.items(), key=lambda item: item[1])
    assert value[0][0] in ("const", "int")
    assert [table[0], key[0]] == [store.receiver, store.arguments[0]]
    assert [value[1], table[1], key[1]] == [0, 1, 2]


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("oparg", [0, 1, 2])
def test_what_is_raised_and_from_what(minor: int, oparg: int) -> None:
    table = opcodes_of(minor)
    loads = [("LOAD_FAST", slot) for slot in range(oparg)]
    found = walked(encoded(table, *loads, ("RAISE_VARARGS", oparg)), [], minor)
    raised = [(f.kind, f.receiver, f.arguments) for f in found]
    cause = (("fast", 1),) if oparg == 2 else ()
    assert raised == ([("raise", ("fast", 0), cause)] if oparg else [])


@pytest.mark.parametrize("minor", [13, 14, 15])
def test_local_variables_take_what_a_call_gave(minor: int) -> None:
    """``job, arguments = queue.get()``, and ``work = queue.get()``."""
    load, jobs = opcodes_of(minor), ["get"]
    get = [("LOAD_FAST", 0), ("LOAD_ATTR", 1), ("CALL", 0)]
    both = encoded(
        load, ("RESUME", 0), *get, ("UNPACK_SEQUENCE", 2), ("STORE_FAST_STORE_FAST", 0x12)
    )
    unpacked = next(o for o in walked(both, jobs, minor) if o.kind == "call-method")
    assert unpacked.binds == {1: 0, 2: 1}
    whole = encoded(load, ("RESUME", 0), *get, ("STORE_FAST", 3))
    assert walked(whole, jobs, minor)[-1].binds == {3: None}
    copied = encoded(load, ("RESUME", 0), *get, ("STORE_FAST_LOAD_FAST", 0x31))
    assert walked(copied, jobs, minor)[-1].binds == {3: None}


def test_a_loops_variable_takes_its_items() -> None:
    table = opcodes_of(13)
    code = encoded(table, ("LOAD_FAST", 0), ("GET_ITER", 0), ("FOR_ITER", 4), ("STORE_FAST", 1))
    step = next(o for o in walked(code, [], 13) if o.kind == "next")
    assert step.binds == {1: None}


def test_what_another_operation_gave_is_not_bound_to_the_last() -> None:
    table = opcodes_of(13)
    code = encoded(
        table,
        *[("LOAD_FAST", 0), ("LOAD_ATTR", 1), ("CALL", 0)],
        *[("LOAD_FAST", 1), ("LOAD_ATTR", 2), ("STORE_FAST", 2)],
    )
    assert all(not o.binds for o in walked(code, ["get", "size"], 13))


@pytest.mark.parametrize("minor", MINORS)
def test_a_call_with_keywords_says_which_arguments_they_name(minor: int) -> None:
    table = opcodes_of(minor)
    loads = (("LOAD_FAST", 0), ("PUSH_NULL", 0), ("LOAD_FAST", 1), ("LOAD_FAST", 2))
    call = (("LOAD_CONST", 1), ("CALL_KW", 2))
    (found,) = walked(encoded(table, *loads, *call), [], minor)
    assert found.arguments == (("fast", 1), ("fast", 2))
    assert found.keywords == ("const", 1)


@pytest.mark.parametrize("minor", MINORS)
def test_what_is_unpacked_into_a_call_stands_between_its_arguments(minor: int) -> None:
    """``function(own, *rest, key=value, **more)``"""
    table = opcodes_of(minor)
    build = (
        *[("LOAD_FAST", 0), ("PUSH_NULL", 0)],
        *[("LOAD_FAST", 1), ("BUILD_LIST", 1), ("LOAD_FAST", 2), ("LIST_EXTEND", 1)],
        *[("CALL_INTRINSIC_1", 6)],
        *[("LOAD_CONST", 0), ("LOAD_FAST", 3), ("BUILD_MAP", 1)],
        *[("LOAD_FAST", 4), ("DICT_MERGE", 1)],
        ("CALL_FUNCTION_EX", 1),
    )
    found = walked(encoded(table, *build), [], minor)[-1]
    star, both = ("star", ("fast", 2)), ("star", ("fast", 4))
    assert found.arguments == (("fast", 1), star, ("fast", 3), both)
    assert found.keywords == ("build", "tuple", (("const", 0),))


def test_an_async_loop_steps_what_async_loops_step() -> None:
    table = opcodes_of(13)
    code = encoded(table, ("LOAD_GLOBAL", 0), ("GET_AITER", 0), ("GET_ANEXT", 0))
    found = walked(code, ["source"], 13)
    assert [(o.kind, o.receiver) for o in found] == [
        ("aiter", ("global", "source")),
        ("anext", ("iter", ("global", "source"))),
    ]


@pytest.mark.parametrize("minor", MINORS)
def test_the_end_of_a_with_is_of_what_the_variable_names(minor: int) -> None:
    """``with make() as page``: no other name leads to it."""
    table = opcodes_of(minor)
    make = (("LOAD_FAST", 0), ("PUSH_NULL", 0), ("CALL", 0))
    enter, nones = (
        ([("BEFORE_WITH", 0)], 2)
        if minor == 13
        else (
            [
                *[("COPY", 1), ("LOAD_SPECIAL", 1), ("SWAP", 2), ("SWAP", 3)],
                *[("LOAD_SPECIAL", 0), ("CALL", 0)],
            ],
            3,
        )
    )
    leave = (("STORE_FAST", 1), *[("LOAD_CONST", 0)] * 3, ("CALL", nones))
    found = walked(encoded(table, *make, *enter, *leave), [], minor)
    assert [(o.name, o.receiver) for o in found][-2:] == [
        ("__enter__", ("result", found[0].index)),
        ("__exit__", ("entered", ("fast", 1))),
    ]


@pytest.mark.parametrize("minor", MINORS)
def test_a_class_pattern_looks_attributes_up(minor: int) -> None:
    """``match shared: case Class(name=…)``"""
    table = opcodes_of(minor)
    loads = (("LOAD_FAST", 0), ("LOAD_GLOBAL", 0), ("LOAD_CONST", 1))
    code = encoded(table, *loads, ("MATCH_CLASS", 0), ("STORE_FAST", 1))
    (found,) = walked(code, ["Class"], minor)
    assert (found.kind, found.receiver) == ("match", ("fast", 0))
    assert found.arguments == (("global", "Class"), ("const", 1))
    assert found.binds == {1: None}
