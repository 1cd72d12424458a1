from __future__ import annotations

import pytest

from fakes import FakeDebugger
from gdbext.target.expressions import (
    has_own_name,
    plain_function,
    refuse_side_effects,
    simple_value,
    tidy_type,
)
from gdbext.target.protocol import DebuggerError, NativeThread, Variable


@pytest.mark.parametrize(
    ("gdb", "lldb"),
    [
        ("struct _ts *", "_ts *"),
        ("PyObject * const *", "PyObject *const *"),
        ("char [16]", "char[16]"),
        ("_Bool", "bool"),
        ("void (*)(void)", "void (*)()"),
        ("const struct _is *", "const _is *"),
        ("structure *", "structure *"),
    ],
)
def test_both_debuggers_types_become_one_text(gdb: str, lldb: str) -> None:
    assert tidy_type(gdb) == tidy_type(lldb)


@pytest.mark.parametrize(
    "expression", ["x = 3", "x += 1", "x <<= 1", "x++", "--x", "$rdi = 0", "a[b=1]"]
)
def test_expressions_that_assign_are_refused(expression: str) -> None:
    with pytest.raises(DebuggerError, match="would change the program"):
        refuse_side_effects(expression)


@pytest.mark.parametrize(
    "expression",
    ["x == 3", "x != 3", "x <= 3", "x >= 3", "v->ob_item[0]", "x - -1", "'='", '"a = b"', "x << 3"],
)
def test_expressions_that_look_are_not(expression: str) -> None:
    refuse_side_effects(expression)


def test_numbers_and_variables_need_no_evaluation() -> None:
    debugger = FakeDebugger()
    debugger.thread_list = [NativeThread(7, 1)]
    debugger.variable_lists[7, 0] = [
        Variable("v", "PyObject *", 0x1234),
        Variable("gone", "PyObject *", None, "optimized out"),
    ]
    assert simple_value(debugger, "0x10") == 16
    assert simple_value(debugger, "-1") == (1 << 64) - 1
    assert simple_value(debugger, "v") == 0x1234
    assert simple_value(debugger, "v->ob_type") is None
    assert simple_value(debugger, "other") is None
    for wrong, said in (
        ("gone", "optimized out"),
        (" ", "an address is missing"),
        ("0x1" + "0" * 16, "more than 64 bits"),
    ):
        with pytest.raises(DebuggerError, match=said):
            simple_value(debugger, wrong)


def test_functions_in_assembler_have_no_name_of_their_own() -> None:
    assert has_own_name("/src/object.c")
    assert not has_own_name("clone3.S")
    assert not has_own_name(None)


@pytest.mark.parametrize(
    "symbol",
    [
        "list_repr",
        "list_repr.cold",
        "list_repr.part.0",
        "list_repr.constprop.0.isra.0",
        "list_repr.lto_priv.12.cold",
        "list_repr.llvm.1234567890",
        "list_repr.__uniq.99.llvm.3",
    ],
)
def test_a_copy_or_a_piece_of_a_function_is_that_function(symbol: str) -> None:
    assert plain_function(symbol) == "list_repr"


def test_other_names_with_dots_stay_as_they_are() -> None:
    assert plain_function("buckets.1") == "buckets.1"
    assert plain_function(".cold") == ".cold"
