"""The shipped tables against offsets that were measured by other means (gdb's ptype /o over each version's headers)."""

from __future__ import annotations

import pytest

from gdbext.cpython.layout import tables
from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.layout.layout import Layout, Source
from gdbext.target.protocol import Field, Struct

VERSIONS = ("3.13.5", "3.14.10", "3.15.2")

# struct.field -> (3.13.5, 3.14.10, 3.15.2); None: the version has no such field.
BOTH_FLAVOURS = {
    "PyObject.ob_tid": (0, 0, 0),
    "PyObject.ob_flags": (None, 8, 8),
    "PyObject.ob_mutex": (10, 10, 10),
    "PyObject.ob_gc_bits": (11, 11, 11),
    "PyObject.ob_ref_local": (12, 12, 12),
    "PyObject.ob_ref_shared": (16, 16, 16),
    "PyObject.ob_type": (24, 24, 24),
    "PyVarObject.ob_size": (32, 32, 32),
    "PyListObject.ob_item": (40, 40, 40),
    "PyListObject.allocated": (48, 48, 48),
    "_PyListArray.ob_item": (8, 8, 8),
    "PyTupleObject.ob_item": (40, 48, 48),
    "PyDictObject.ma_keys": (48, 48, 48),
    "PyDictObject.ma_values": (56, 56, 56),
    "PyDictKeysObject.dk_mutex": (11, 11, 11),
    "PyDictKeysObject.dk_nentries": (24, 24, 24),
    "PyDictValues.valid": (3, 3, 3),
    "PySetObject.table": (56, 56, 56),
    "PySetObject.smalltable": (80, 80, 80),
    "PyASCIIObject.length": (32, 32, 32),
    "PyUnicodeObject.data": (72, 72, 72),
    "PyLongObject.lv_tag": (32, 32, 32),
    "PyBytesObject.ob_sval": (48, 48, 48),
    "PyTypeObject.tp_name": (40, 40, 40),
    "PyTypeObject.tp_flags": (184, 184, 184),
    "PyTypeObject.tp_mro": (360, 360, 360),
    "PyHeapTypeObject.ht_name": (872, 872, 880),
    "PyHeapTypeObject.ht_cached_keys": (896, 896, 904),
    "PyHeapTypeObject.ht_module": (904, 904, 912),
    "PyHeapTypeObject.unique_id": (None, 952, 960),
    "PyFunctionObject.func_code": (64, 64, 64),
    "PyFunctionObject.func_version": (152, 160, 160),
    "PyModuleObject.md_dict": (32, 32, 32),
    "PyModuleObject.md_state": (48, 48, 40),
    "PyModuleObject.md_name": (64, 64, 56),
    "PyWeakReference.wr_object": (32, 32, 32),
    "PyWeakReference.weakrefs_lock": (80, 80, 80),
    "PyBaseExceptionObject.args": (40, 40, 40),
    "PyCodeObject.co_firstlineno": (84, 84, 84),
    "PyCodeObject.co_linetable": (152, 152, 152),
    "PyCodeObject.co_code_adaptive": (216, 232, 232),
    "PyCodeObject.co_tlbc": (None, 224, 224),
    "PyGenObject.gi_frame_state": (83, 83, 83),
    "PyGenObject.gi_iframe": (88, 88, 88),
    "PyFrameObject._f_frame_data": (80, 88, 88),
    "_PyInterpreterFrame.instr_ptr": (56, 56, 56),
    "_PyInterpreterFrame.stacktop": (64, None, None),
    "_PyInterpreterFrame.stackpointer": (None, 64, 64),
    "_PyInterpreterFrame.owner": (70, 78, 78),
    "_PyInterpreterFrame.localsplus": (72, 80, 80),
    "unionobject.args": (32, 32, 32),
    "unionobject.hashable_args": (None, 40, 40),
    "unionobject.parameters": (40, 56, 56),
    "gaobject.starred": (64, 64, 64),
    "classmethod.cm_callable": (32, 32, 32),
    "_PyNamespaceObject.ns_dict": (32, 32, 32),
    "PyThreadState.interp": (16, 16, 16),
    "PyThreadState.eval_breaker": (24, 24, 24),
    "PyThreadState.state": (40, 44, 48),
    "PyThreadState.current_frame": (72, 72, 72),
    "PyThreadState.thread_id": (152, 152, 176),
    "PyThreadState.native_thread_id": (160, 160, 184),
    "PyThreadState.delete_later": (168, 168, 192),
    "PyThreadState.critical_section": (176, 176, 200),
    "PyThreadState.datastack_chunk": (232, 232, 256),
    "_PyThreadStateImpl.mem_free_queue": (320, 904, 1072),
    "_PyThreadStateImpl.mimalloc": (344, 936, 1104),
    "PyInterpreterState.next": (7264, 7272, 7264),
    "PyInterpreterState.threads.head": (7344, 7344, 7336),
    "PyInterpreterState.gc": (7400, 7408, 7400),
    "PyInterpreterState.imports.modules": (7664, 7712, 7592),
    "PyInterpreterState._gil": (7760, 7808, 7736),
    "_gil_runtime_state.locked": (24, 24, 24),
    "_gc_runtime_state.collecting": (200, 192, 112),
    "_stoptheworld_state.requester": (16, 16, 16),
    "_qsbr_shared.rd_seq": (8, 8, 8),
    "_qsbr_shared.mutex": (32, 40, 40),
    "_qsbr_thread_state.tstate": (16, 16, 16),
    "_qsbr_thread_state.allocated": (28, 49, 49),
    "_mem_work_chunk.array": (32, 32, 32),
    "_brc_thread_state.objects_to_merge": (24, 24, 24),
    "_PyObjectStackChunk.objs": (16, 16, 16),
    "mi_segment_t.thread_id": (256, 280, 280),
    "mi_segment_t.slices": (264, 288, 288),
    "mi_segment_t.cookie": (216, 224, 224),
    "mi_page_t.capacity": (10, 10, 10),
    "mi_page_t.free": (16, 16, 16),
    "mi_page_t.local_free": (32, 24, 24),
    "mi_page_t.used": (24, 32, 32),
    "mi_page_t.xblock_size": (28, None, None),
    "mi_page_t.block_size": (None, 40, 40),
    "mi_page_t.page_start": (None, 48, 48),
    "Bucket.root": (8, 8, 8),
    "wait_entry.addr": (8, 8, 8),
    "wait_entry.sema": (16, 16, 16),
    "wait_entry.is_unparking": (64, 64, 64),
    "PyCriticalSection2._cs_mutex2": (16, 16, 16),
    "lockobject.lock": (32, 32, 32),
    "rlockobject.rlock_owner": (40, None, None),
    "rlockobject.lock.thread": (None, 40, 40),
    "_PyRecursiveMutex.thread": (8, 8, 8),
}

# struct.field -> ((release, debug) of 3.13.5, of 3.14.10, of 3.15.2)
BY_FLAVOUR = {
    "_PyThreadStateImpl.mimalloc.tld": ((12608, 12640), (13296, 13328), (13464, 13496)),
    "_PyThreadStateImpl.freelists": ((14240, 16640), (18440, 18472), (18608, 18640)),
    "_PyThreadStateImpl.brc": ((17776, 20176), (19064, 19096), (19264, 19296)),
    "PyInterpreterState.stoptheworld": ((10744, 10752), (10848, 10856), (10800, 10808)),
    "PyInterpreterState.qsbr": ((10768, 10776), (10872, 10880), (10824, 10832)),
    "PyInterpreterState.brc": ((11136, 11200), (10936, 10944), (10888, 10896)),
    "PyInterpreterState.mem_free_queue": ((85760, 85840), (85712, 85736), (85664, 85688)),
    "PyInterpreterState._initial_thread": ((197744, 197824), (230760, 230784), (230920, 230944)),
    "_PyRuntimeState.stoptheworld": ((10336, 26336), (10552, 26552), (10672, 26672)),
    "_PyRuntimeState._main_interpreter": ((112704, 128704), (115648, 131656), (158968, 174976)),
    "mi_page_t.xthread_free": ((40, 56), (56, 72), (56, 72)),
    "mi_page_t.xheap": ((48, 64), (64, 80), (64, 80)),
    "mi_page_t.qsbr_goal": ((88, 104), (104, 120), (104, 120)),
    "mi_heap_t.pages": ((1040, 1048), (1288, 1296), (1288, 1296)),
}

SIZES = {
    "PyObject": ((32, 32), (32, 32), (32, 32)),
    "PyTypeObject": ((432, 432), (432, 432), (440, 440)),
    "PyHeapTypeObject": ((944, 944), (960, 960), (968, 968)),
    "unionobject": ((48, 48), (72, 72), (72, 72)),
    "PyThreadState": ((304, 304), (832, 832), (888, 888)),
    "_PyThreadStateImpl": ((17816, 20224), (19216, 19256), (19408, 19448)),
    "_PyRuntimeState": ((328320, 346816), (365624, 381696), (409296, 425368)),
    "mi_page_t": ((96, 112), (112, 128), (112, 128)),
    "mi_heap_t": ((3064, 3072), (3088, 3096), (3088, 3096)),
    "_mem_work_chunk": ((4096, 4096), (4096, 4096), (4096, 4096)),
    "_brc_bucket": ((24, 24), (24, 24), (24, 24)),
    "Bucket": ((32, 32), (32, 32), (32, 32)),
    "wait_entry": ((72, 72), (72, 72), (72, 72)),
}


@pytest.fixture(
    scope="module", params=[(v, f) for v in VERSIONS for f in ("release", "debug")], ids="-".join
)
def measured(request: pytest.FixtureRequest) -> tuple[int, int, Layout]:
    """(version's column, flavour's column, a layout that has the table alone)."""
    version, flavour = request.param
    table = tables.load(version, flavour)
    return (
        VERSIONS.index(version),
        ("release", "debug").index(flavour),
        Layout(lambda name: None, None, table),
    )


def test_offsets_are_those_measured(measured: tuple[int, int, Layout]) -> None:
    version, flavour, layout = measured
    expected = {key: values[version] for key, values in BOTH_FLAVOURS.items()}
    expected |= {key: values[version][flavour] for key, values in BY_FLAVOUR.items()}
    found = {}
    for key in expected:
        name, field = key.split(".", 1)
        found[key] = layout.offset(name, field) if layout.has(name, field) else None
    assert found == expected


def test_sizes_are_those_measured(measured: tuple[int, int, Layout]) -> None:
    version, flavour, layout = measured
    assert {name: layout.size(name) for name in SIZES} == {
        name: values[version][flavour] for name, values in SIZES.items()
    }


def test_bit_fields_have_their_bits(measured: tuple[int, int, Layout]) -> None:
    version, _, layout = measured
    state = {
        name: layout.struct("PyASCIIObject").field(f"state.{name}")
        for name in ("kind", "compact", "ascii")
    }
    if version == 0:
        assert state == {
            "kind": Field(48, 1, 2, 3),
            "compact": Field(48, 1, 5, 1),
            "ascii": Field(48, 1, 6, 1),
        }
    else:
        assert state == {
            "kind": Field(49, 1, 0, 3),
            "compact": Field(49, 1, 3, 1),
            "ascii": Field(49, 1, 4, 1),
        }


def test_only_a_debug_build_has_keys_in_its_pages(measured: tuple[int, int, Layout]) -> None:
    _, flavour, layout = measured
    assert layout.has("mi_page_t", "keys") == bool(flavour)
    assert layout.source() == Source.TABLE


def offsets_of(version: str, flavour: str, **changes: int) -> DebugOffsets:
    """What ``_Py_DebugOffsets`` of that build says of a few structs."""
    table = tables.load(version, flavour)
    sizes = {name: table[name].size for name in ("_PyRuntimeState", "PyThreadState", "PyObject")}
    offsets = {"PyThreadState.thread_id": table["PyThreadState"].fields["thread_id"].offset}
    number = int(version.split(".")[1]) << 16 | int(version.split(".")[2]) << 8 | 3 << 24 | 0xF0
    return DebugOffsets(0, number, True, offsets | changes, sizes)


@pytest.mark.parametrize("flavour", ["release", "debug"])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_table_that_agrees_is_chosen(version: str, flavour: str) -> None:
    chosen = tables.choose(offsets_of(version, flavour))
    assert chosen is not None
    assert chosen["mi_page_t"] == tables.load(version, flavour)["mi_page_t"]


def test_a_table_that_disagrees_in_one_entry_is_not_used() -> None:
    assert (
        tables.choose(offsets_of("3.13.5", "release", **{"PyThreadState.thread_id": 160})) is None
    )


def test_another_patch_level_may_fit() -> None:
    near = offsets_of("3.14.10", "debug")
    other = DebugOffsets(0, near.version - (4 << 8), True, near.offsets, near.sizes)
    chosen = tables.choose(other)
    assert other.python_version == "3.14.6"
    assert chosen is not None and isinstance(chosen["PyObject"], Struct)
