"""Every claim that the code makes has its sentence, with the arguments that the code gives it."""

from __future__ import annotations

import ast
import inspect
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import gdbext
from gdbext.cpython.allocator.page_free_lists import Flaw
from gdbext.model import Address, Claim, Data, EntrySlot, ThreadName, ValueSlot
from gdbext.wording import SENTENCES, allocator, diagnosis, locks, objects, sentence

ROOT = Path(gdbext.__file__).parent


def calls() -> Iterator[tuple[str, str, frozenset[str]]]:
    """(place, kind, names of the arguments) of every claim made in the package."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            is_claim = (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Claim"
            )
            if not is_claim:
                continue
            assert isinstance(node, ast.Call)
            kinds = [node.args[0]]
            if isinstance(kinds[0], ast.IfExp):
                kinds = [kinds[0].body, kinds[0].orelse]
            names = frozenset(keyword.arg or "**" for keyword in node.keywords)
            for kind in kinds:
                if isinstance(kind, ast.Constant):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", str(kind.value), names


MADE = sorted(calls())
BY_VARIABLE = {flaw.value for flaw in Flaw} | {
    # objects/types.py makes them of the kind that it is given.
    "type-not-ready",
    "type-without-name",
    "type-basicsize-implausible",
    "type-itemsize-implausible",
    "type-base-not-a-type",
}


@pytest.mark.parametrize(("place", "kind", "names"), MADE, ids=[f"{p} {k}" for p, k, _ in MADE])
def test_a_claim_has_a_sentence_of_its_arguments(
    place: str, kind: str, names: frozenset[str]
) -> None:
    said = SENTENCES[kind]
    if isinstance(said, str):
        used = {name for _, name, _, _ in string.Formatter().parse(said) if name}
        assert used <= names, "the sentence lacks arguments"
    else:
        inspect.signature(said).bind(**dict.fromkeys(names))


def test_no_sentence_is_for_nothing() -> None:
    assert set(SENTENCES) - {kind for _, kind, _ in MADE} == BY_VARIABLE


def test_no_kind_has_two_sentences() -> None:
    tables = [objects.SENTENCES, allocator.SENTENCES, locks.SENTENCES, diagnosis.SENTENCES]
    assert len(SENTENCES) == sum(map(len, tables))


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        (Claim("refcount-below-zero", count=-3), "the reference count is below zero (-3)"),
        (Claim("null", slot=3), "item 3 is NULL"),
        (Claim("null", slot="args"), "args is NULL"),
        (Claim("null", slot=ValueSlot(Data("it's"))), '["it\'s"] is NULL'),
        (Claim("null", slot=ValueSlot(Address(64))), "[0x40] is NULL"),
        (Claim("null", slot=EntrySlot("entry", 2)), "entry 2 is NULL"),
        (
            Claim(
                "not-an-object",
                slot="args",
                reason=Claim("refcount-zero", local=0, shared=0, state="merged"),
            ),
            "args is not an object: the reference count is 0 "
            "(ob_ref_local 0; ob_ref_shared 0, and its lowest bits, merged)",
        ),
        (
            Claim("wrong-type", slot="args", type="int", wanted="tuple", exactly=True),
            "args is an int, not an exact tuple",
        ),
        (Claim("alive", type="list", count=1), "a list with 1 reference"),
        (Claim("alive", type="list", count=0), "a list with 0 references"),
        (
            Claim("thread", lwp=7, name=ThreadName("reader"), in_short=False),
            '"reader" (LWP 7)',
        ),
        (Claim("thread", lwp=7, name=None, in_short=True), "LWP 7"),
        (
            Claim("memory-is-fill", fill=Address(0xDD), meanwhile=Claim("collection-running")),
            "its memory is freed (0xDD); a garbage collection is running",
        ),
        (
            Claim("memory-is-fill", fill=Address(0xCD), meanwhile=None),
            "its memory is allocated and never written (0xCD)",
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Claim) else "",
)
def test_sentences_have_grammar(claim: Claim, text: str) -> None:
    assert sentence(claim) == text


def test_an_unknown_kind_is_shown_and_does_not_raise() -> None:
    assert sentence(Claim("of-tomorrow", count=1)) == "Claim('of-tomorrow', count=1)"


def test_claims_are_values() -> None:
    claim = Claim("alive", type="list", count=1)
    assert claim == Claim("alive", type="list", count=1) != Claim("alive", type="list", count=2)
    assert len({claim, Claim("alive", type="list", count=1)}) == 1
    assert claim["count"] == 1
    with pytest.raises(KeyError):
        claim["size"]


@pytest.mark.parametrize(
    ("count", "said"), [(0, "no thread is"), (1, "1 thread is"), (2, "2 threads are")]
)
def test_threads_are_counted_in_words(count: int, said: str) -> None:
    claim = Claim("waiting", count=count)
    assert sentence(claim) == f"no deadlock found; {said} waiting for locks or events"
