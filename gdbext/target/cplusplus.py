"""C++ and Rust functions by short names, and whose source a function's code is.

Debuggers and symbol tables name one function in three ways: with its parameters, with its template
arguments, mangled (the Itanium C++ ABI; Rust's "v0", or the former with a hash at its end).  A
report has its name alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

OPERATORS = {
    "nw": "operator new",
    "na": "operator new[]",
    "dl": "operator delete",
    "da": "operator delete[]",
    "cl": "operator()",
    "ix": "operator[]",
    "aS": "operator=",
    "eq": "operator==",
    "pl": "operator+",
    "mi": "operator-",
    "ls": "operator<<",
    "rs": "operator>>",
    "pt": "operator->",
}
STANDARD = {"St": "std", "Sa": "std::allocator", "Ss": "std::string"}
OPERATOR = re.compile(r"operator\s*(\(\)|<<=?|>>=?|<=>?|>=?|<|->\*?)")
ANONYMOUS = re.compile(r"\((anonymous namespace)\)::|\{anonymous\}::")
LAMBDA = re.compile(r"([\w:~]+)\([^<>]*?\)(?: const)?::<lambda")
LIBRARY_SOURCE = re.compile(
    r"(^|/)Include/|/include/python\d|^/usr/(local/)?(include|lib)/|/c\+\+/|/(pybind11|nanobind)/"
    r"|^/rustc/|(^|/)library/(std|core|alloc|panic_abort|panic_unwind)/src/"
)
"""Headers of CPython, of the C and C++ libraries, and of what binds C++ to Python; Rust's library,
which is linked into each module.
"""
RUST_HASH = re.compile(r"h[0-9a-f]{16}")
RUST_PATH = re.compile(r"_R[A-Z]*?(?:N[a-zA-Z])*C")
RUST_NAME = re.compile(r"(?:s[0-9a-zA-Z]*_)?(\d+)_?")
RUST_PANICS = re.compile(r"(core|std)::panicking::|rust_panic$|rust_begin_unwind|__rustc::")
HELPERS = re.compile(r"_?Py_[A-Z]|__Pyx_")
"""What CPython's headers and Cython put into every module; wherever it stands."""
LIBRARY_NAMES = re.compile(
    r"(std|core|alloc|panic_abort|panic_unwind|__rustc|__gnu_cxx|__cxxabiv1"
    r"|pybind11::(detail|cpp_function)|nanobind::detail|nb::detail)\b"
    r"|_?Py(_|[A-Z])|__invoke|__gthread"
)


def is_library_code(function: str | None, file: str | None) -> bool:
    """Whether code of an extension module is not its author's own: compiled in from a header of
    CPython's, of the C++ library, of pybind11.

    >>> is_library_code("Py_INCREF", "./Include/object.h")
    True
    >>> is_library_code("walk", "/src/walker.h"), is_library_code("std::thread::join", None)
    (False, True)
    """
    if HELPERS.match(function or ""):
        return True
    if file is not None:
        return LIBRARY_SOURCE.search(file) is not None
    return LIBRARY_NAMES.match(function or "") is not None


def short_function(name: str) -> str:
    """A C++ function without its parameters and template arguments; a C function as it is.

    >>> short_function("std::default_delete<double []>::operator()<double>(double*) const")
    'std::default_delete::operator()'
    >>> short_function("_ZNSt6thread4joinEv"), short_function("list_repr_impl")
    ('std::thread::join', 'list_repr_impl')

    Rust's, too.

    >>> short_function("_ZN10rust_panic5weigh17h6b72073fd89c735fE")
    'rust_panic::weigh'
    >>> short_function("_RNvNtCsjrHSEGnQ3l9_3std7process5abort")
    'std::process::abort'

    A debugger's own name for a frame is left as it is.

    >>> short_function("<signal handler called>")
    '<signal handler called>'
    """
    if name.startswith("_Z"):
        return _demangled(name) or name
    if name.startswith("_R"):
        return _rust(name) or name
    if not any(sign in name for sign in "<(:"):
        return name
    kept: list[str] = []
    at = depth = 0
    text = ANONYMOUS.sub("", name)
    while at < len(text):
        operator = OPERATOR.match(text, at)
        if operator and not depth:
            kept.append(operator[0])
            at = operator.end()
            continue
        sign = text[at]
        if sign == "(" and not depth:
            break
        depth += sign == "<"
        if not depth:
            kept.append(sign)
        depth -= sign == ">"
        at += 1
    # A template function's return type stands before its name.
    scope, is_operator, sign = "".join(kept).strip().partition("operator")
    return (scope.rsplit(" ", 1)[-1] + is_operator + sign).removeprefix("::") or name


def function_in(name: str, outer: Sequence[str], file: str | None) -> str:
    """A function's short name, by the names of those that it is inlined into, innermost first.

    A lambda's is that of the function it stands in, which the template arguments out there have.

    >>> outer = ["__invoke<sum(int)::<lambda(int)>, int>"]
    >>> function_in("operator()", outer, "sum.cpp")
    'sum'
    >>> function_in("operator()", outer, "/usr/include/c++/12/functional")
    'operator()'
    """
    if name == OPERATORS["cl"] and not is_library_code(name, file):
        return next((home for each in outer if (home := enclosing_function(each))), name)
    return short_function(name)


def enclosing_function(name: str) -> str | None:
    """The function that the lambda stands in that a template is made for.

    >>> enclosing_function("std::__invoke_impl<int, notify(const py::function&)::<lambda()> >")
    'notify'
    """
    found = LAMBDA.search(name)
    return found[1] if found else None


def _demangled(symbol: str) -> str | None:
    """The qualified name in a mangled one; None where it has more than names in it."""
    body = symbol[2:].removeprefix("Z").removeprefix("L")
    if body[:2] in OPERATORS:
        return OPERATORS[body[:2]]
    nested = body.startswith("N")
    parts = list(_parts(body[1:].lstrip("KVr") if nested else body, nested))
    if len(parts) > 1 and RUST_HASH.fullmatch(parts[-1]):
        parts.pop()
    return "::".join(parts) if parts and all(parts) else None


def panics(function: str | None) -> bool:
    """Whether it is a function of Rust's library that carries out a panic.

    >>> panics("core::panicking::panic_bounds_check"), panics("rust_panic::weigh")
    (True, False)
    """
    return RUST_PANICS.match(function or "") is not None


def _rust(symbol: str) -> str | None:
    """The path in a symbol of Rust's "v0" mangling: a crate, and names one after another; None for
    what is not a plain path.
    """
    start = RUST_PATH.match(symbol)
    parts: list[str] = []
    at = start.end() if start else 0
    while at and (name := RUST_NAME.match(symbol, at)):
        end = name.end() + int(name[1])
        parts.append(symbol[name.end() : end])
        at = end
    return "::".join(filter(None, parts)) or None


def _parts(text: str, nested: bool) -> Iterator[str]:
    """The names one after another; an empty one for what is not understood."""
    last = ""
    while text and not text.startswith("E"):
        number = re.match(r"\d+", text)
        if number:
            end = number.end() + int(number[0])
            last = text[number.end() : end]
            if len(text) < end:
                yield ""
                return
            text = text[end:]
            yield "(anonymous)" if last.startswith("_GLOBAL__N") else last
            if not nested:
                return
        elif text[:2] in STANDARD:
            yield STANDARD[text[:2]]
            text = text[2:]
        elif re.match(r"C[1-3]|D[0-2]", text):
            yield last if text[0] == "C" else f"~{last}"
            text = text[2:]
        elif text[:2] in OPERATORS:
            yield OPERATORS[text[:2]]
            text = text[2:]
        elif text.startswith("I") and (end := _end_of_arguments(text)):
            text = text[end:]
        else:
            yield ""
            return


def _end_of_arguments(text: str) -> int:
    """Where a list of template arguments ends; 0 where that is not clear."""
    at, depth = 0, 0
    while at < len(text):
        number = re.match(r"\d+", text[at:])
        if number:
            at += number.end() + int(number[0])
            continue
        depth += text[at] in "INXJ"
        depth -= text[at] == "E"
        at += 1
        if not depth:
            return at
    return 0
