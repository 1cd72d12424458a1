"""Words that were taken for pointers to objects and never were: nothing was freed then."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gdbext.diagnosis.facts.cause import NotAnObject, Wrong
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.frames import CFrame, FrameVariable, SlotOwner
from gdbext.diagnosis.facts.pointers import Use
from gdbext.diagnosis.facts.provenance import Provenance
from gdbext.diagnosis.rules import (
    apply,
    ft102_use_after_free,
    ft103_reused_memory,
    ft205_null_slot,
    ft206_broken_object,
)
from gdbext.model import Address, Claim, Confidence, Finding, Verdict
from gdbext.target.protocol import NativeFrame
from gdbext.wording import sentence
from unit.diagnosis.crash_world import (
    EXTENSION,
    GC,
    MEM,
    OBJECT,
    PYTHON,
    SELF,
    STANDARD,
    TAKEN,
    HeapWorld,
    facts_of,
    segfault,
    stack_of,
)
from unit.heap.heap_world import MAIN_TID

TEXT = struct.unpack("<Q", b"12345678")[0]
FREED = 0xDDDD_DDDD_DDDD_DDDD
GUARD = 0xFDFD_FDFD_FDFD_FDFD
UNWRITTEN = 0xCDCD_CDCD_CDCD_CDCD


def word(address: int) -> Facts:
    """A word that ``repr()`` of a union was given, in a process with the debug hooks."""
    return facts_of(HeapWorld(hooks=True), address, use=SELF, module=PYTHON)


@pytest.mark.parametrize("address", [GUARD, UNWRITTEN, MAIN_TID, TEXT])
def test_a_word_that_is_not_a_pointer_was_not_freed(address: int) -> None:
    stopped = word(address)
    assert stopped.cause.kind is Wrong.NOT_AN_OBJECT
    [found] = ft206_broken_object.check(stopped)
    assert (found.rule, found.confidence) == ("FT206", Confidence.LIKELY)
    assert not list(ft102_use_after_free.check(stopped))
    assert not list(ft103_reused_memory.check(stopped))


def test_the_fill_of_freed_memory_was_read_after_the_free() -> None:
    stopped = word(FREED)
    assert not list(ft206_broken_object.check(stopped))
    [found] = ft102_use_after_free.check(stopped)
    assert found.rule == "FT102"
    assert "a pointer that was read from freed memory" in sentence(found.title)
    assert "UnionType" not in sentence(found.title), "nothing says what the pointer led to before"


def on_null(name: str, value: int, *, address: int = 0xC, is_object: bool = True) -> list[Finding]:
    """What FT205 says of a fault near NULL, in a function that is given one variable."""
    frames = [
        NativeFrame(0, 0x1000, 0x7000, "Py_INCREF", is_inlined=True),
        NativeFrame(1, 0x1000, 0x7000, "tee_next"),
    ]
    kind = "PyObject *" if is_object else "const char *"
    variable = FrameVariable(name, kind, value, is_argument=True, is_object=is_object)
    c_frames = [CFrame(frames[0], (variable,)), CFrame(frames[1])]
    stack = stack_of(*frames, c_frames=c_frames)
    return list(
        ft205_null_slot.check(facts_of(HeapWorld(), fault=segfault(0, address), stack=stack))
    )


def test_a_null_that_is_used_as_an_object_is_named_with_its_function() -> None:
    [found] = on_null("op", 0)
    assert (found.rule, found.confidence) == ("FT205", Confidence.LIKELY)
    assert "tee_next uses NULL" in sentence(found.title)


def test_a_null_that_no_object_was_expected_at_is_not() -> None:
    assert not on_null("text", 0, is_object=False)
    assert not on_null("op", 0x1230)
    assert not on_null("op", 0, address=0x2EE0)


@pytest.mark.parametrize("name", ["kwnames", "kwds", "closure"])
def test_a_parameter_that_a_call_may_leave_out_is_not_a_missing_object(name: str) -> None:
    assert not on_null(name, 0)


# --- pointers into memory in use ------------------------------------------------------------------


def origin(
    kind: str = "list",
    length: int | None = 0,
    *,
    current: bool = False,
    function: str | None = "list_repr_impl",
) -> Provenance:
    return Provenance(
        holder=0x5000,
        type=kind,
        slot=2,
        current=current,
        length=length,
        function=function,
        level=1,
        adjacent=True,
    )


def what(stopped: Facts) -> NotAnObject | None:
    return stopped.cause.not_an_object


def test_in_a_block_of_pymem_malloc_there_can_be_no_object() -> None:
    world = HeapWorld()
    found = what(facts_of(world, world.page(MEM, 64).take(), use=SELF))
    assert found == NotAnObject(Claim("pymem-block", size=64), Confidence.LIKELY)


def texts() -> Iterator[tuple[str, int]]:
    layout = HeapWorld().layout
    yield "str", layout.size("PyASCIIObject")
    yield "str", layout.size("PyCompactUnicodeObject")
    yield "bytes", layout.offset("PyBytesObject", "ob_sval")


@pytest.mark.parametrize(("kind", "offset"), list(texts()))
def test_a_pointer_to_the_characters_of_a_living_text_is_not_one_to_an_object(
    kind: str, offset: int
) -> None:
    world = HeapWorld()
    text = world.page(OBJECT, 128).object(kind)
    found = what(facts_of(world, text + offset, use=SELF))
    assert found == NotAnObject(
        Claim("characters-of", type=kind, address=Address(text)), Confidence.LIKELY
    )
    assert what(facts_of(world, text + offset + 8, use=SELF)) is None, (
        "nothing points there but what was freed"
    )


def test_where_a_text_was_freed_an_object_may_have_been() -> None:
    world = HeapWorld()
    page = world.page(OBJECT, 128)
    text = page.object("str")
    page.free(text)
    assert what(facts_of(world, text + world.layout.size("PyASCIIObject"), use=SELF)) is None


def test_an_object_of_another_type_may_have_been_given_to_an_extensions_function_so() -> None:
    world = HeapWorld()
    stopped = facts_of(world, world.page(GC, 64).object("list"))
    found = what(stopped)
    assert found is not None
    assert (found.what, found.confidence) == (
        Claim("a-type", type="list"),
        Confidence.LIKELY,
    )
    assert found.because is not None
    assert "area does not check" in sentence(found.because.claim)
    [reported] = ft206_broken_object.check(stopped)
    assert sentence(reported.title).endswith("area: expected a dict, found a list")
    assert not list(ft103_reused_memory.check(stopped))
    assert reported.subject is not None
    # Nothing says that another object was there before.
    assert reported.subject.liveness is Verdict.LIVE


@pytest.mark.parametrize(("use", "module"), [(SELF, EXTENSION), (TAKEN, PYTHON), (TAKEN, STANDARD)])
def test_a_slot_and_pythons_own_functions_are_given_what_they_expect(use: Use, module: str) -> None:
    world = HeapWorld()
    stopped = facts_of(world, world.page(GC, 64).object("list"), use=use, module=module)
    assert what(stopped) is None
    assert [found.rule for found in ft103_reused_memory.check(stopped)] == ["FT103"]


GAVE_IT_AWAY = [origin(), origin("classmethod", None)]
HAS_IT_OR_NEVER_HAD_IT = [origin(length=3), origin(current=True), origin(function=None)]


@pytest.mark.parametrize(
    ("came_from", "gone"),
    [*((o, True) for o in GAVE_IT_AWAY), *((o, False) for o in HAS_IT_OR_NEVER_HAD_IT)],
)
@pytest.mark.parametrize("is_memory", [True, False])
def test_what_a_living_holder_gave_away_was_an_object(
    came_from: Provenance, gone: bool, is_memory: bool
) -> None:
    world = HeapWorld()
    address = world.page(MEM, 64).take() if is_memory else world.page(GC, 64).object("list")
    assert (what(facts_of(world, address, provenance=came_from)) is None) is gone


@pytest.mark.parametrize("has_function", [True, False])
def test_a_type_that_has_another_s_function_in_its_slot(has_function: bool) -> None:
    """The interpreter came by the object's own type: nothing need have been freed."""
    world = HeapWorld()
    fake = world.page(GC, 64).object("list")
    dicts, lists = world.types["dict"], world.types["list"]
    world.set("PyTypeObject", dicts, tp_repr=0x5500)
    world.set("PyTypeObject", lists, tp_repr=0x5500 if has_function else 0x6600)
    world.write()
    use = replace(SELF, function="dict_repr", expected="dict")
    frame = NativeFrame(0, 0x1000, 0x7000, "dict_repr", module=PYTHON)
    owner = SlotOwner("dict", dicts, "tp_repr")
    stack = stack_of(frame, c_frames=[CFrame(frame, (), owner)])
    stopped = facts_of(world, fake, use=use, stack=stack)
    [found] = apply.findings(stopped)[:1]
    if has_function:
        assert (found.rule, found.confidence) == ("FT206", Confidence.LIKELY)
        assert "tp_repr" in sentence(found.evidence[0].claim)
    else:
        assert (found.rule, found.confidence) == ("FT103", Confidence.PROVEN)


@pytest.mark.parametrize("is_self", [True, False])
@pytest.mark.parametrize("caller", [PYTHON, EXTENSION])
def test_what_an_extension_gave_to_a_function_of_python_s(caller: str, is_self: bool) -> None:
    """It may have given it something else than the function takes, which does not check."""
    world = HeapWorld()
    given = world.page(GC, 64).object("list")
    use = replace(SELF, function="dict_f", expected="dict", is_self=is_self, is_innermost=True)
    stack = stack_of(
        NativeFrame(0, 0x1000, 0x7000, "dict_f", module=PYTHON),
        NativeFrame(1, 0x2000, 0x7100, "caller", module=caller),
    )
    [found] = apply.findings(facts_of(world, given, use=use, stack=stack))[:1]
    if caller == PYTHON:
        assert (found.rule, found.confidence) == ("FT103", Confidence.PROVEN)
    else:
        assert (found.rule, found.confidence) == (
            "FT103" if is_self else "FT206",
            Confidence.LIKELY,
        )
