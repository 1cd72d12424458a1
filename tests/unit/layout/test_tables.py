"""The shipped layouts: against offsets that were measured by other means (gdb's ptype /o over a
version's headers), and in themselves.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes import VERSIONS, offsets_of, shipped_table
from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.layout.layout import Layout, Source
from gdbext.cpython.layout.tables import agreeing, agrees
from gdbext.cpython.versions.catalog import number_of, shipped

MEASURED = json.loads(Path(__file__).with_name("measured.json").read_text())
"""version -> flavour -> struct or struct.field -> size or offset (None: the version has no such
field).

Of the debug build there is only what is not as in the release build.
"""
FLAVOURS = ("release", "debug")
BUILDS = [(version, flavour) for version in VERSIONS for flavour in FLAVOURS]
STABLE = {
    "PyObject": 32,
    "PyObject.ob_tid": 0,
    "PyObject.ob_mutex": 10,
    "PyObject.ob_gc_bits": 11,
    "PyObject.ob_ref_local": 12,
    "PyObject.ob_ref_shared": 16,
    "PyObject.ob_type": 24,
    "PyVarObject.ob_size": 32,
    "PyListObject.ob_item": 40,
    "PyTypeObject.tp_name": 40,
    "PyDictObject.ma_keys": 48,
    "PyBytesObject.ob_sval": 48,
    "_PyListArray.ob_item": 8,
}
"""What no free-threaded version has changed so far."""


def value(layout: Layout, key: str) -> int | None:
    name, _, field = key.partition(".")
    if not field:
        return layout.size(name)
    return layout.offset(name, field) if layout.has(name, field) else None


def alone(version: str, flavour: str) -> Layout:
    return Layout(lambda name: None, None, shipped_table(version, flavour))


@pytest.mark.parametrize(("version", "flavour"), BUILDS)
def test_offsets_and_sizes_are_those_measured(version: str, flavour: str) -> None:
    rows = MEASURED.get(version, {})
    expected = (
        STABLE | rows.get("release", {}) | (rows.get("debug", {}) if flavour == "debug" else {})
    )
    layout = alone(version, flavour)
    assert {key: value(layout, key) for key in expected} == expected


def test_every_measured_version_is_shipped() -> None:
    assert set(MEASURED) <= set(VERSIONS)


@pytest.mark.parametrize(("version", "flavour"), BUILDS)
def test_fields_lie_within_their_struct(version: str, flavour: str) -> None:
    outside = [
        f"{name}.{path}"
        for name, struct in shipped_table(version, flavour).items()
        for path, field in struct.fields.items()
        if field.offset + field.size > struct.size
        # A flexible array begins where its struct ends.
        and field.offset != struct.size
    ]
    assert outside == []


@pytest.mark.parametrize(("version", "flavour"), BUILDS)
def test_bit_fields_have_their_bits(version: str, flavour: str) -> None:
    state = {
        name: (field.offset, field.bit, field.bits)
        for name in ("kind", "compact", "ascii")
        for field in [alone(version, flavour).struct("PyASCIIObject").field(f"state.{name}")]
    }
    if number_of(version) >> 16 == 0x030D:
        assert state == {"kind": (48, 2, 3), "compact": (48, 5, 1), "ascii": (48, 6, 1)}
    else:
        assert state == {"kind": (49, 0, 3), "compact": (49, 3, 1), "ascii": (49, 4, 1)}


@pytest.mark.parametrize(("version", "flavour"), BUILDS)
def test_only_a_debug_build_has_keys_in_its_pages(version: str, flavour: str) -> None:
    layout = alone(version, flavour)
    assert layout.has("mi_page_t", "keys") == (flavour == "debug")
    assert layout.source() == Source.TABLE


@pytest.mark.parametrize(("version", "flavour"), BUILDS)
def test_a_version_agrees_with_its_own_offsets_and_comes_first(version: str, flavour: str) -> None:
    found = [(facts.name, chosen) for facts, chosen, _ in agreeing(offsets_of(version, flavour))]
    assert (version, flavour) in found
    assert found[0][0] == version


def test_a_table_that_disagrees_in_one_entry_is_not_used() -> None:
    process = offsets_of("3.13.5", "release", **{"PyThreadState.thread_id": 160})
    assert list(agreeing(process)) == []


def test_a_process_whose_offsets_are_not_known_has_no_table() -> None:
    process = DebugOffsets(0, number_of("3.13.5"), True, {}, {}, None)
    assert list(agreeing(process)) == []


def test_another_patch_level_may_fit() -> None:
    near = offsets_of("3.14.10", "debug")
    other = DebugOffsets(0, number_of("3.14.9"), True, near.offsets, near.sizes)
    assert other.python_version == "3.14.9"
    found = {facts.name for facts, _, _ in agreeing(other)}
    assert "3.14.10" in found


def test_minor_versions_are_told_apart() -> None:
    """A pre-release of 3.15 that is still as 3.14 was is taken for what it is."""
    for facts in shipped():
        process = offsets_of(facts.name, "release")
        wrong = [v for v in VERSIONS if number_of(v) >> 16 != facts.number >> 16]
        assert not any(agrees(shipped_table(v, "release"), process) for v in wrong)
