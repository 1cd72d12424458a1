"""``_Py_DebugOffsets``, the table of offsets that CPython 3.13 and later carry at the start of ``_PyRuntime``.

It describes itself only by its version: the fields' order is fixed within a minor version.
From CPython's Include/internal/pycore_runtime.h (3.13) and pycore_debug_offsets.h (3.14 and later).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from gdbext.target.protocol import DebuggerError, Memory, MemoryFault

COOKIE = b"xdebugpy"

# Block name -> (struct's name, fields in order).  "size" is sizeof the struct; "-" is not a field of that struct.
_COMMON: dict[str, tuple[str, str]] = {
    "runtime_state": ("_PyRuntimeState", "size _finalizing interpreters.head"),
    "interpreter_state": (
        "PyInterpreterState",
        "size id next threads.head gc imports.modules sysdict builtins ceval.gil _gil -enabled -locked -holder",
    ),
    "thread_state": (
        "PyThreadState",
        "size prev next interp current_frame thread_id native_thread_id datastack_chunk _status",
    ),
    "interpreter_frame": (
        "_PyInterpreterFrame",
        "size previous f_executable instr_ptr localsplus owner",
    ),
    "code_object": (
        "PyCodeObject",
        "size co_filename co_name co_qualname co_linetable co_firstlineno co_argcount co_localsplusnames co_localspluskinds "
        "co_code_adaptive",
    ),
    "pyobject": ("PyObject", "size ob_type"),
    "type_object": ("PyTypeObject", "size tp_name tp_repr tp_flags"),
    "tuple_object": ("PyTupleObject", "size ob_item ob_size"),
    "list_object": ("PyListObject", "size ob_item ob_size"),
    "dict_object": ("PyDictObject", "size ma_keys ma_values"),
    "float_object": ("PyFloatObject", "size ob_fval"),
    "long_object": ("PyLongObject", "size lv_tag ob_digit"),
    "bytes_object": ("PyBytesObject", "size ob_size ob_sval"),
    "unicode_object": ("PyUnicodeObject", "size state length -asciiobject_size"),
    "gc": ("_gc_runtime_state", "size collecting"),
}
_GEN = ("PyGenObject", "size gi_name gi_iframe gi_frame_state")
_LLIST = ("llist_node", "next prev")
_SUPPORT = (
    "-debugger_support",
    "-eval_breaker -remote_debugger_support -remote_debugging_enabled -debugger_pending_call -debugger_script_path "
    "-debugger_script_path_size",
)

_3_14 = {
    **_COMMON,
    "interpreter_state": (
        "PyInterpreterState",
        "size id next threads.head threads.main gc imports.modules sysdict builtins ceval.gil _gil -enabled -locked -holder "
        "-code_object_generation -tlbc_generation",
    ),
    "interpreter_frame": (
        _COMMON["interpreter_frame"][0],
        _COMMON["interpreter_frame"][1] + " stackpointer tlbc_index",
    ),
    "code_object": (_COMMON["code_object"][0], _COMMON["code_object"][1] + " co_tlbc"),
    "set_object": ("PySetObject", "size used table mask"),
    "gen_object": _GEN,
    "llist_node": _LLIST,
    "debugger_support": _SUPPORT,
}
_3_15 = {
    **_3_14,
    "thread_state": (
        "PyThreadState",
        "size prev next interp current_frame base_frame -last_profiled_frame -last_profiled_frame_seq thread_id "
        "native_thread_id datastack_chunk _status -holds_gil -gil_requested current_exception -exc_state",
    ),
    "err_stackitem": ("_PyErr_StackItem", "exc_value"),
    "type_object": ("PyTypeObject", "size tp_name tp_repr tp_flags tp_basicsize tp_dictoffset"),
    "heap_type_object": ("PyHeapTypeObject", "size ht_cached_keys"),
    "unicode_object": (
        "PyUnicodeObject",
        "size state length -asciiobject_size -compactunicodeobject_size",
    ),
    "gc": ("_gc_runtime_state", "size collecting frame -generation_stats_size -generation_stats"),
}
_ORDER_3_13 = (
    "runtime_state interpreter_state thread_state interpreter_frame code_object pyobject type_object tuple_object "
    "list_object dict_object float_object long_object bytes_object unicode_object gc"
).split()
_ORDER_3_14 = (
    "runtime_state interpreter_state thread_state interpreter_frame code_object pyobject type_object tuple_object "
    "list_object set_object dict_object float_object long_object bytes_object unicode_object gc gen_object "
    "llist_node debugger_support"
).split()
_ORDER_3_15 = (
    "runtime_state interpreter_state thread_state err_stackitem interpreter_frame code_object pyobject type_object "
    "heap_type_object tuple_object list_object set_object dict_object float_object long_object bytes_object "
    "unicode_object gc gen_object llist_node debugger_support"
).split()
_VERSIONS = {13: (_ORDER_3_13, _COMMON), 14: (_ORDER_3_14, _3_14), 15: (_ORDER_3_15, _3_15)}
HEADER = struct.Struct("<8sQQ")


@dataclass(frozen=True)
class DebugOffsets:
    """The table, read.  ``offsets`` maps ``struct.field`` to a byte offset, ``sizes`` a struct to its sizeof."""

    address: int
    version: int
    """PY_VERSION_HEX."""
    free_threaded: bool
    offsets: dict[str, int]
    sizes: dict[str, int]

    @property
    def python_version(self) -> str:
        """``3.13.5``, with a suffix for pre-releases."""
        major, minor, micro, release = (
            self.version >> 24,
            self.version >> 16 & 255,
            self.version >> 8 & 255,
            self.version & 255,
        )
        level = {0xA: "a", 0xB: "b", 0xC: "rc"}.get(release >> 4, "")
        return f"{major}.{minor}.{micro}" + (f"{level}{release & 15}" if level else "")

    @property
    def minor(self) -> int:
        return self.version >> 16 & 255


def read_debug_offsets(memory: Memory, runtime: int) -> DebugOffsets:
    """Read the table at ``_PyRuntime``.

    Raises:
        DebuggerError: when there is no such table there, or its version is one whose field order is not known.
    """
    try:
        cookie, version, free_threaded = HEADER.unpack(memory.read(runtime, HEADER.size))
    except MemoryFault as fault:
        raise DebuggerError(f"_PyRuntime cannot be read: {fault}") from None
    if cookie != COOKIE:
        raise DebuggerError(
            "_PyRuntime has no debug offsets: this Python is older than 3.13 (or its memory is damaged)"
        )
    if version >> 24 != 3 or free_threaded > 1:
        raise DebuggerError(
            f"_Py_DebugOffsets is damaged: version {version:#x}, free_threaded {free_threaded}"
        )
    minor = version >> 16 & 255
    offsets: dict[str, int] = {}
    sizes: dict[str, int] = {}
    if minor in _VERSIONS:
        order, blocks = _VERSIONS[minor]
        names = [(blocks[block][0], name) for block in order for name in blocks[block][1].split()]
        try:
            values = struct.unpack(
                f"<{len(names)}Q", memory.read(runtime + HEADER.size, 8 * len(names))
            )
        except MemoryFault as fault:
            raise DebuggerError(f"_Py_DebugOffsets cannot be read: {fault}") from None
        for (owner, name), value in zip(names, values):
            if name == "size":
                sizes[owner] = value
            elif not name.startswith("-"):
                offsets[f"{owner}.{name}"] = value
    return DebugOffsets(runtime, version, bool(free_threaded), offsets, sizes)


def find_runtime(memory: Memory, ranges: list[tuple[int, int]]) -> int | None:
    """The address of ``_PyRuntime``, searched by its cookie in writable mapped ranges, for a binary without symbols.

    Only a hit with a plausible version and flag counts, for the cookie's text may stand elsewhere too.
    """
    chunk = 1 << 20
    for start, end in ranges:
        at = start
        while at < end:
            size = min(chunk + HEADER.size, end - at)
            try:
                data = memory.read(at, size)
            except MemoryFault:
                break
            hit = data.find(COOKIE)
            while hit != -1:
                if hit + HEADER.size <= len(data):
                    _, version, flag = HEADER.unpack_from(data, hit)
                    if version >> 24 == 3 and version >> 32 == 0 and flag in (0, 1):
                        return at + hit
                hit = data.find(COOKIE, hit + 1)
            at += chunk
    return None
