"""C++ and Cython functions by short names; whose code is whose."""

from __future__ import annotations

import pytest

from gdbext.target.cplusplus import enclosing_function, is_library_code, short_function
from gdbext.target.cython import position, python_name


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("union_repr", "union_repr"),
        ("list_repr_impl", "list_repr_impl"),
        ("std::vector<int, std::allocator<int> >::push_back(int&&)", "std::vector::push_back"),
        ("Session::~Session()", "Session::~Session"),
        ("(anonymous namespace)::parse(char const*)", "parse"),
        ("ns::operator<<(std::ostream&, ns::Row const&)", "ns::operator<<"),
        ("ns::Row::operator()(int) const", "ns::Row::operator()"),
        ("void ns::fill<double>(ns::Row&)", "ns::fill"),
        ("::update(PyObject *)", "update"),
        ("py::object py::api<py::handle>::operator()<int>(int&&) const", "py::api::operator()"),
        ("_ZNSt6thread4joinEv", "std::thread::join"),
        ("_ZdaPv", "operator delete[]"),
        ("_ZN7SessionD1Ev", "Session::~Session"),
        ("_ZN2ns3RowC2ERKS0_", "ns::Row::Row"),
        ("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector::push_back"),
        ("_ZZL6notifyRKN8pybind118functionEENKUlvE_clEv", "notify"),
        ("_ZN12_GLOBAL__N_15parseEPKc", "(anonymous)::parse"),
        ("_ZN10rust_panic9weight_of17h1b312555aa046d73E", "rust_panic::weight_of"),
        ("_RNvNtCsgEmfK2I1SDS_4core9panicking9panic_fmt", "core::panicking::panic_fmt"),
        ("_RNvCsfLfy6EI15iL_7___rustc10rust_panic", "__rustc::rust_panic"),
        (
            "_RNCNvNtCsjrHSEGnQ3l9_3std9panicking13panic_handler0B5_",
            "std::panicking::panic_handler",
        ),
        ("_RINvNtC3std9backtrace5shortE", "std::backtrace::short"),
        ("_Rubbish", "_Rubbish"),
        ("_Zrubbish", "_Zrubbish"),
        ("_ZN", "_ZN"),
        ("_ZN99xE", "_ZN99xE"),
    ],
)
def test_a_functions_name_alone(name: str, short: str) -> None:
    assert short_function(name) == short


def test_the_function_that_a_lambda_stands_in() -> None:
    name = "std::__invoke<notify(const pybind11::function&)::<lambda()> >"
    assert enclosing_function(name) == "notify"
    assert enclosing_function("std::__invoke<int (*)(char)>") is None


@pytest.mark.parametrize(
    ("function", "file", "is_library"),
    [
        ("walk", "/src/walker.h", False),
        ("walk", "/home/me/project/include/walker.hpp", False),
        ("Py_INCREF", "/usr/local/include/python3.14t/refcount.h", True),
        ("Py_DECREF", "object.h", True),
        ("std::unique_ptr::~unique_ptr", "/usr/include/c++/12/bits/unique_ptr.h", True),
        ("pybind11::function::operator()", "/x/pybind11/include/pybind11/cast.h", True),
        ("__Pyx_PyObject_Call", "/src/signal.c", True),
        ("std::thread::join", None, True),
        ("std::process::abort", "/rustc/5980/library/std/src/process.rs", True),
        ("core::panicking::panic_fmt", None, True),
        ("rust_panic::weigh", "/src/rust_panic.rs", False),
        ("PyArray_Where", "/src/multiarray.c", False),
        (None, None, False),
    ],
)
def test_what_an_extensions_author_has_written(
    function: str | None, file: str | None, is_library: bool
) -> None:
    assert is_library_code(function, file) is is_library


@pytest.mark.parametrize(
    ("function", "name"),
    [
        ("__pyx_pw_13cython_memory_6Signal_3at", "cython_memory.Signal.at"),
        ("__pyx_pf_11cython_none_4Node_12first_edge", "cython_none.Node.first_edge"),
        ("__pyx_f_6signal_total", "signal.total"),
        ("__Pyx_INCREF", "__Pyx_INCREF"),
        ("__pyx_pw_99", "__pyx_pw_99"),
    ],
)
def test_cythons_functions_by_their_authors_names(function: str, name: str) -> None:
    assert python_name(function) == name


def test_the_line_of_cython_is_in_the_comment_before() -> None:
    lines = [(1, '/* "a/signal.pyx":9'), (2, " */"), (5, '  /* "a/signal.pyx":14'), (6, " */")]
    assert position(lines, 8) == ("a/signal.pyx", 14)
    assert position(lines, 4) == ("a/signal.pyx", 9)
    assert position(lines[1:2], 4) is None
