"""Words that were taken for pointers to objects and never were: nothing was freed then."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest
from case_world import EXTENSION, GC, MEM, OBJECT, PYTHON, SELF, STANDARD, TAKEN, HeapWorld, case_of

from gdbext.diagnosis.fault import Fault, Operand
from gdbext.diagnosis.holders import Held
from gdbext.diagnosis.origin import Origin
from gdbext.diagnosis.rules import pointers, stale
from gdbext.diagnosis.suspects import Suspect, Use
from gdbext.model import Confidence, Liveness, Verdict
from gdbext.target.protocol import NativeFrame, Signal, Variable
from gdbext.wording import sentence

THREAD = 0x7F00_0000_1740
TEXT = struct.unpack("<Q", b"12345678")[0]
FREED = 0xDDDD_DDDD_DDDD_DDDD
GUARD = 0xFDFD_FDFD_FDFD_FDFD
UNWRITTEN = 0xCDCD_CDCD_CDCD_CDCD
VERDICTS = {THREAD: Verdict.FOREIGN, TEXT: Verdict.UNMAPPED, 0x7F00_0000_0000: Verdict.UNMAPPED}


def case(address: int) -> Any:
    verdict = VERDICTS.get(address, Verdict.POISONED)
    liveness = Liveness(address, verdict, Confidence.PROVEN)
    use = Use(0, "union_repr", "self", "types.UnionType", "tp_repr", True, is_self=True)
    session = SimpleNamespace(
        runtime=SimpleNamespace(
            by_tid=lambda tid: SimpleNamespace(native_thread_id=7) if tid == THREAD else None
        ),
        heap=SimpleNamespace(judge=lambda address: liveness, records=SimpleNamespace(hooks=True)),
    )
    return SimpleNamespace(
        session=session,
        lwp=7,
        root=Suspect(address, [use], liveness),
        origin=None,
        held=Held(),
        native_frames=[],
        operation_at=lambda level: "repr(union)",
    )


@pytest.mark.parametrize(
    ("address", "confidence"),
    [
        (GUARD, Confidence.LIKELY),
        (UNWRITTEN, Confidence.LIKELY),
        (THREAD, Confidence.LIKELY),
        (TEXT, Confidence.LIKELY),
    ],
)
def test_a_word_that_is_no_pointer_was_not_freed(address: int, confidence: Confidence) -> None:
    stopped = case(address)
    [found] = pointers.no_pointer(stopped)
    assert (found.rule, found.confidence) == ("FT206", confidence)
    assert not list(stale.after_free(stopped))
    assert not list(stale.reused(stopped))


def test_the_fill_of_freed_memory_was_read_after_the_free() -> None:
    stopped = case(FREED)
    assert not list(pointers.no_pointer(stopped))
    [found] = stale.after_free(stopped)
    assert found.rule == "FT102"
    assert "a pointer that was read from freed memory" in sentence(found.title)
    assert "UnionType" not in sentence(found.title), "nothing says what the pointer led to before"


def null_case(variable: Variable, address: int = 0xC) -> Any:
    frames = [
        NativeFrame(0, 0x1000, 0x7000, "Py_INCREF", is_inlined=True),
        NativeFrame(1, 0x1000, 0x7000, "tee_next"),
    ]
    operand = Operand("0xc(%rax)", "rax", 0, address, address, False)
    return SimpleNamespace(
        root=None,
        session=SimpleNamespace(layout=SimpleNamespace(is_object=lambda name: name == "PyObject")),
        lwp=7,
        fault=Fault(
            Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", address), "mov 0xc(%rax),%edx", operand
        ),
        c_frames=[
            SimpleNamespace(frame=frames[0], variables=(variable,), function="Py_INCREF"),
            SimpleNamespace(frame=frames[1], variables=(), function="tee_next"),
        ],
    )


def test_a_null_that_is_used_as_an_object_is_named_with_its_function() -> None:
    [found] = pointers.null_object(null_case(Variable("op", "PyObject *", 0, is_argument=True)))
    assert (found.rule, found.confidence) == ("FT205", Confidence.LIKELY)
    assert "tee_next uses NULL" in sentence(found.title)


@pytest.mark.parametrize(
    "stopped",
    [
        null_case(Variable("text", "const char *", 0, is_argument=True)),
        null_case(Variable("op", "PyObject *", 0x1230, is_argument=True)),
        null_case(Variable("op", "PyObject *", 0, is_argument=True), address=0x2EE0),
    ],
)
def test_a_null_that_no_object_was_expected_at_is_not(stopped: Any) -> None:
    assert not list(pointers.null_object(stopped))


@pytest.mark.parametrize("name", ["kwnames", "kwds", "closure"])
def test_a_parameter_that_a_call_may_leave_out_is_no_object_that_is_missing(name: str) -> None:
    assert not list(
        pointers.null_object(null_case(Variable(name, "PyObject *", 0, is_argument=True)))
    )


# --- pointers into memory in use ----------------------------------------------------------------------


def origin(
    kind: str = "list",
    length: int | None = 0,
    *,
    current: bool = False,
    function: str | None = "list_repr_impl",
) -> Origin:
    return Origin(0x5000, kind, 2, current, length, function, 1, adjacent=True, evidence=())


def what(stopped: Any) -> pointers.NoObject | None:
    return pointers.what_it_is(stopped, stopped.root)


def test_in_a_block_of_pymem_malloc_there_can_be_no_object() -> None:
    world = HeapWorld()
    found = what(case_of(world, world.page(MEM, 64).take(), use=SELF))
    assert found == pointers.NoObject(
        "a 64-byte block of PyMem_Malloc, where CPython puts no objects", Confidence.LIKELY
    )


@pytest.mark.parametrize(
    ("kind", "struct_name", "at"),
    [("str", "PyASCIIObject", ""), ("str", "PyCompactUnicodeObject", ""), ("bytes", "", "ob_sval")],
)
def test_a_pointer_to_the_characters_of_a_living_text_is_no_object(
    kind: str, struct_name: str, at: str
) -> None:
    world = HeapWorld()
    text = world.page(OBJECT, 128).object(kind)
    offset = world.layout.offset("PyBytesObject", at) if at else world.layout.size(struct_name)
    found = what(case_of(world, text + offset, use=SELF))
    assert found == pointers.NoObject(f"the text of the {kind} {text:#x}", Confidence.LIKELY)
    assert what(case_of(world, text + offset + 8, use=SELF)) is None, (
        "nothing points there but what was freed"
    )


def test_where_a_text_was_freed_an_object_may_have_been() -> None:
    world = HeapWorld()
    page = world.page(OBJECT, 128)
    text = page.object("str")
    page.free(text)
    assert what(case_of(world, text + world.layout.size("PyASCIIObject"), use=SELF)) is None


def test_an_object_of_another_type_may_have_been_given_to_an_extensions_function_so() -> None:
    world = HeapWorld()
    stopped = case_of(world, world.page(GC, 64).object("list"))
    found = what(stopped)
    assert found is not None and (found.what, found.confidence) == ("a list", Confidence.LIKELY)
    assert found.because is not None and "area does not check" in sentence(found.because.claim)
    [told] = pointers.no_pointer(stopped)
    assert sentence(told.title).endswith("what area takes for a dict is a list")
    assert not list(stale.reused(stopped))
    assert told.subject is not None and told.subject.liveness is Verdict.LIVE, (
        "nothing says that another object was there before"
    )


@pytest.mark.parametrize(("use", "module"), [(SELF, EXTENSION), (TAKEN, PYTHON), (TAKEN, STANDARD)])
def test_a_slot_and_pythons_own_functions_are_given_what_they_expect(use: Use, module: str) -> None:
    world = HeapWorld()
    stopped = case_of(world, world.page(GC, 64).object("list"), use=use, module=module)
    assert what(stopped) is None
    assert [found.rule for found in stale.reused(stopped)] == ["FT103"]


GAVE_IT_AWAY = [origin(), origin("classmethod", None)]
HAS_IT_OR_NEVER_HAD_IT = [origin(length=3), origin(current=True), origin(function=None)]


@pytest.mark.parametrize(
    ("came_from", "gone"),
    [*((o, True) for o in GAVE_IT_AWAY), *((o, False) for o in HAS_IT_OR_NEVER_HAD_IT)],
)
@pytest.mark.parametrize("is_memory", [True, False])
def test_what_a_living_holder_gave_away_was_an_object(
    came_from: Origin, gone: bool, is_memory: bool
) -> None:
    world = HeapWorld()
    address = world.page(MEM, 64).take() if is_memory else world.page(GC, 64).object("list")
    assert (what(case_of(world, address, origin=came_from)) is None) is gone
