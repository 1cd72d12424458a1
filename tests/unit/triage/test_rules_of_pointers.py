"""Words that were taken for pointers to objects and never were: nothing was freed then."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from gdbext.debuggers.base import NativeFrame, Signal, Variable
from gdbext.model import Confidence, Liveness, Verdict
from gdbext.triage.fault import Fault, Operand
from gdbext.triage.rules import pointers, stale
from gdbext.triage.suspects import Suspect, Use

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
        runtime=SimpleNamespace(by_tid=lambda tid: SimpleNamespace(native_thread_id=7) if tid == THREAD else None),
        heap=SimpleNamespace(judge=lambda address: liveness),
    )
    return SimpleNamespace(
        session=session,
        lwp=7,
        root=Suspect(address, [use], liveness),
        origin=None,
        native_frames=[],
        operation_at=lambda level: "repr(union)",
    )


@pytest.mark.parametrize(
    ("address", "confidence"),
    [
        (GUARD, Confidence.PROVEN),
        (UNWRITTEN, Confidence.PROVEN),
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
    assert [found.rule for found in stale.after_free(stopped)] == ["FT102"]


def null_case(variable: Variable, address: int = 0xC) -> Any:
    frames = [NativeFrame(0, 0x1000, 0x7000, "Py_INCREF", is_inlined=True), NativeFrame(1, 0x1000, 0x7000, "tee_next")]
    operand = Operand("0xc(%rax)", "rax", 0, address, address, False)
    return SimpleNamespace(
        root=None,
        session=SimpleNamespace(layout=SimpleNamespace(is_object=lambda name: name == "PyObject")),
        lwp=7,
        fault=Fault(Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", address), "mov 0xc(%rax),%edx", operand),
        c_frames=[
            SimpleNamespace(frame=frames[0], variables=(variable,), function="Py_INCREF"),
            SimpleNamespace(frame=frames[1], variables=(), function="tee_next"),
        ],
    )


def test_a_null_that_is_used_as_an_object_is_named_with_its_function() -> None:
    [found] = pointers.null_object(null_case(Variable("op", "PyObject *", 0, is_argument=True)))
    assert (found.rule, found.confidence) == ("FT205", Confidence.LIKELY)
    assert "tee_next uses NULL" in found.title


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
