"""A crash of a defect of the catalogue, whose object and operations are told, has that issue in
first place.

The rows say what a program that runs into the defect does, as its issue tells; the words are those
that reports use.
"""

from __future__ import annotations

import pytest

from gdbext.diagnosis.known_issues.catalogue import catalogue
from gdbext.diagnosis.known_issues.features import Candidate, CrashFeatures
from gdbext.diagnosis.known_issues.identify import identify
from unit.diagnosis.words import operations

# id, also right, version, the object's type (and bases), the two operations, and further what is
# seen. Further: ``in`` C functions of the crashed call, ``used`` those that have the object,
# ``calls`` functions of modules, ``rule``, ``assertion``, ``message``.
ROWS: tuple[tuple[str, str, str, str, dict[str, str]], ...] = (
    # items borrowed from containers
    ("gh-124470", "3.13.5", "Config", "getattr:colour setattr:__dict__", {}),
    ("gh-132713", "3.13.3", "list", "repr clear", {"rule": "FT101"}),
    ("gh-132713", "3.13.2", "list", "str append", {"rule": "FT102"}),
    ("gh-132713", "3.13.3", "list", "format:repr pop", {"rule": "FT101"}),
    (
        "gh-135557",
        "3.13.5",
        "list",
        "heappush heappop",
        {"calls": "_heapq.heappush _heapq.heappop"},
    ),
    ("gh-135557", "3.13.5", "list", "heappop getitem", {"calls": "_heapq.heappop"}),
    (
        "gh-135557",
        "3.13.5",
        "list",
        "heapreplace heappushpop",
        {"calls": "_heapq.heapreplace _heapq.heappushpop"},
    ),
    ("gh-135878", "3.13.5", "types.SimpleNamespace", "repr setattr:kind", {}),
    ("gh-135878", "3.13.5", "types.SimpleNamespace", "repr delattr:kind", {}),
    ("gh-135878", "3.13.5", "types.SimpleNamespace", "str __init__", {}),
    ("gh-144774", "3.13.5", "dict", "__setstate__ clear", {}),
    ("gh-144774", "3.14.2", "dict", "__setstate__ setitem", {}),
    ("gh-145142", "3.13.5", "dict", "maketrans popitem", {"calls": "str.maketrans"}),
    ("gh-145142", "3.14.2", "dict", "maketrans setitem", {"calls": "str.maketrans"}),
    ("gh-146452", "3.13.5", "dict", "dumps pop", {"calls": "_pickle.dumps"}),
    ("gh-146452", "3.14.4", "dict", "dump clear", {"calls": "_pickle.dump"}),
    ("gh-146533|gh-149816", "3.13.5", "list", "dumps append", {"calls": "_pickle.dumps"}),
    ("gh-151370", "3.13.5", "list", "dumps append", {"calls": "marshal.dumps"}),
    ("gh-151370", "3.14.2", "list", "dump delitem", {"calls": "marshal.dump"}),
    ("gh-151370", "3.13.5", "dict", "dumps clear", {"calls": "marshal.dumps"}),
    ("gh-151370", "3.13.5", "set", "dumps add", {"in": "w_object w_complex_object"}),
    ("gh-157072", "3.13.5", "list", "fromlist clear", {"in": "array_array_fromlist"}),
    ("gh-149816", "3.13.5", "list", "bytes setitem", {}),
    ("gh-149816", "3.14.4", "list", "bytearray clear", {}),
    ("gh-149858", "3.13.5", "memoryview", "hex release", {}),
    (
        "gh-150157",
        "3.13.5",
        "dict",
        "dumps import_module",
        {"calls": "_pickle.dumps importlib.import_module"},
    ),
    ("gh-151627", "3.13.5", "collections.OrderedDict", "iter clear", {}),
    ("gh-151627", "3.13.5", "collections.OrderedDict", "list update", {}),
    ("gh-151627", "3.14.7", "collections.OrderedDict", "iter popitem", {}),
    (
        "gh-155781",
        "3.13.5",
        "sqlite3.Connection",
        "execute register_converter",
        {"calls": "_sqlite3.register_converter"},
    ),
    ("gh-157079", "3.13.5", "Counter dict", "update pop", {}),
    (
        "gh-157079",
        "3.13.5",
        "dict",
        "_count_elements setitem",
        {"calls": "_collections._count_elements"},
    ),
    ("gh-157105", "3.13.5", "dict", "dumps pop", {"calls": "json.dumps"}),
    ("gh-157105", "3.14.7", "dict", "encode setitem", {}),
    ("gh-157107", "3.13.5", "list", "dumps clear", {"calls": "json.dumps"}),
    ("gh-157107", "3.14.7", "list", "dumps pop", {"calls": "json.dumps"}),
    (
        "gh-157119",
        "3.13.5",
        "Thing",
        "dumps",
        {"calls": "_pickle.dumps copyreg.pickle", "rule": "FT102"},
    ),
    ("gh-157124", "3.13.5", "dict", "loads setitem", {"calls": "_pickle.loads"}),
    ("gh-157126", "3.13.5", "dict", "setattr:memo clear", {"in": "Pickler_set_memo"}),
    # iterators that threads share, and what they walk where their own code has it
    ("gh-124397", "3.13.5", "bytes_iterator", "next list", {"in": "striter_next"}),
    ("gh-124397", "3.13.5", "bytes", "next list", {"in": "striter_next", "used": "striter_next"}),
    (
        "gh-124397",
        "3.13.5",
        "memoryview",
        "next sum",
        {"in": "memoryiter_next", "used": "memoryiter_next"},
    ),
    ("gh-124397", "3.13.5", "tuple", "next", {"in": "tupleiter_next", "used": "tupleiter_next"}),
    (
        "gh-144356",
        "3.13.5",
        "frozenset",
        "next list",
        {"in": "setiter_iternext", "used": "setiter_iternext"},
    ),
    (
        "gh-154130",
        "3.13.5",
        "dict",
        "next",
        {
            "in": "dictiter_iternext_threadsafe dictiter_iternextkey",
            "used": "dictiter_iternextkey",
        },
    ),
    (
        "gh-154043",
        "3.13.5",
        "types.GenericAlias",
        "next",
        {"in": "ga_iternext", "used": "ga_iternext"},
    ),
    ("gh-153928", "3.13.5", "str_iterator", "next length_hint", {"in": "unicodeiter_next"}),
    ("gh-154013", "3.13.5", "_struct.unpack_iterator", "next length_hint", {}),
    ("gh-156310", "3.13.5", "iterator", "next list", {"in": "iter_iternext"}),
    ("gh-153296", "3.13.5", "_io.StringIO", "next close", {"in": "stringio_iternext"}),
    (
        "gh-149816",
        "3.13.5",
        "_io.BufferedReader",
        "next detach",
        {"in": "buffered_iternext", "used": "buffered_iternext"},
    ),
    (
        "gh-149816",
        "3.13.5",
        "xml.etree.ElementTree.Element object",
        "getattr:attrib clear",
        {"in": "create_extra element_attrib_getter"},
    ),
    (
        "gh-149816",
        "3.13.5",
        "xml.etree.ElementTree.Element object",
        "getattr:tail setattr:tail",
        {"in": "element_tail_getter"},
    ),
    (
        "gh-153809",
        "3.15.0",
        "_asyncio.Task",
        "collect",
        {
            "in": "validate_refcounts gc_visit_heaps",
            "message": "tracked objects must have a reference count > 0",
        },
    ),
    ("gh-143880", "3.13.5", "functools.partial", "call call", {"in": "partial_vectorcall"}),
    # containers that take no lock
    ("gh-125996", "3.13.5", "collections.OrderedDict", "move_to_end clear", {}),
    ("gh-125996", "3.14.0", "collections.OrderedDict", "popitem setitem", {}),
    ("gh-125996", "3.13.5", "collections.OrderedDict", "setitem pop", {}),
    (
        "gh-126907",
        "3.13.5",
        "function",
        "register unregister",
        {"calls": "atexit.register atexit.unregister"},
    ),
    (
        "gh-126907",
        "3.13.5",
        "function",
        "register _clear",
        {"calls": "atexit.register atexit._clear"},
    ),
    ("gh-128942|gh-146007", "3.13.5", "array.array", "append pop", {}),
    ("gh-128942|gh-146007", "3.13.5", "array.array", "getitem clear", {}),
    ("gh-128942|gh-146007", "3.14.2", "array.array", "extend extend", {}),
    ("gh-128942|gh-146007", "3.13.5", "array.array", "frombytes insert", {}),
    ("gh-129107|gh-127472", "3.13.5", "bytearray", "append clear", {}),
    ("gh-129107|gh-127472", "3.13.5", "bytearray", "extend pop", {}),
    ("gh-129107|gh-127472", "3.13.5", "bytearray", "setitem +=", {}),
    ("gh-129107|gh-127472", "3.13.5", "bytearray", "delitem insert", {}),
    (
        "gh-131336",
        "3.13.5",
        "Point _ctypes.Structure",
        "resize byref",
        {"calls": "_ctypes.resize _ctypes.byref"},
    ),
    (
        "gh-154524",
        "3.13.5",
        "c_char_Array_100 _ctypes.Array",
        "memoryview resize",
        {"calls": "_ctypes.resize builtins.memoryview"},
    ),
    ("gh-132551", "3.13.5", "_io.BytesIO", "getbuffer getvalue", {}),
    ("gh-132551", "3.13.5", "_io.BytesIO", "write truncate", {}),
    ("gh-132551", "3.13.5", "_io.BytesIO", "read write", {}),
    (
        "gh-132551",
        "3.13.5",
        "_io.BytesIO",
        "write truncate",
        {"in": "resize_buffer write_bytes", "used": "resize_buffer write_bytes"},
    ),
    (
        "gh-132551",
        "3.14.0",
        "_io.BytesIO",
        "getvalue write",
        {"rule": "FT401", "assertion": "self->exports == 0"},
    ),
    ("gh-132641", "3.13.5", "functools._lru_cache_wrapper", "call cache_clear", {}),
    ("gh-132641", "3.13.5", "functools._lru_cache_wrapper", "call call", {}),
    ("gh-135410", "3.13.5", "_io.StringIO", "write readlines", {}),
    ("gh-141365", "3.13.5", "_csv.reader", "next next", {}),
    ("gh-141365", "3.13.5", "_csv.reader", "list next", {}),
    ("gh-141365", "3.13.5", "_csv.writer", "writerow writerow", {}),
    ("gh-141365", "3.14.0", "_csv.writer", "writerows writerow", {}),
    ("gh-141805", "3.13.5", "set", "add add", {}),
    ("gh-141805", "3.14.1", "set", "add discard", {}),
    (
        "gh-146022|gh-157090|gh-145568",
        "3.13.5",
        "xml.etree.ElementTree.Element",
        "getitem clear",
        {},
    ),
    ("gh-146022|gh-157090|gh-145568", "3.13.5", "xml.etree.ElementTree.Element", "len append", {}),
    ("gh-146022|gh-157090|gh-145568", "3.13.5", "xml.etree.ElementTree.Element", "find clear", {}),
    (
        "gh-146022|gh-157090|gh-145568",
        "3.14.7",
        "xml.etree.ElementTree.Element",
        "findall remove",
        {},
    ),
    ("gh-146022|gh-145568", "3.13.5", "xml.etree.ElementTree.Element", "append clear", {}),
    ("gh-145713", "3.14.2", "bytearray", "resize resize", {}),
    ("gh-153296|gh-135410", "3.13.5", "_io.StringIO", "next write", {}),
    ("gh-153296", "3.14.2", "_io.StringIO", "next write", {}),
    ("gh-116738", "3.13.5", "mmap.mmap", "read resize", {}),
    ("gh-116738", "3.13.5", "mmap.mmap", "write close", {}),
    ("gh-116738", "3.13.5", "mmap.mmap", "getitem resize", {}),
    ("gh-116738", "3.13.5", "_sre.SRE_Scanner", "search match", {}),
    # objects initialised again
    ("gh-127192", "3.13.5", "ValueError Exception BaseException", "__init__ repr", {}),
    ("gh-127192", "3.14.2", "MyError Exception BaseException", "__init__ str", {}),
    (
        "gh-127192",
        "3.13.5",
        "KeyError BaseException",
        "__init__ __init__",
        {"rule": "FT402", "message": "PyMutex_Unlock: unlocking mutex that is not locked"},
    ),
    ("gh-140846", "3.13.5", "_io.TextIOWrapper", "flush detach", {}),
    ("gh-140846", "3.13.5", "_io.TextIOWrapper", "write detach", {}),
    ("gh-143008", "3.13.5", "_io.TextIOWrapper", "__init__ write", {}),
    ("gh-143008", "3.14.2", "_io.TextIOWrapper", "__init__ readline", {}),
    ("gh-143638", "3.13.5", "_pickle.Pickler", "dump dump", {}),
    ("gh-143638", "3.13.5", "_pickle.Pickler", "dump clear_memo", {}),
    ("gh-144330", "3.13.5", "classmethod", "__init__ repr", {}),
    ("gh-144330", "3.14.2", "staticmethod", "__init__ getattr:__func__", {}),
    ("gh-146020", "3.13.5", "_struct.Struct", "__init__ unpack", {}),
    ("gh-146020", "3.14.2", "_struct.Struct", "__init__ pack", {}),
    ("gh-149824", "3.13.5", "random.Random _random.Random", "__init__ random", {}),
    ("gh-150505", "3.13.5", "_pickle.Unpickler", "setattr:memo setattr:memo", {}),
    ("gh-150695", "3.13.5", "_io.StringIO", "__init__ truncate", {}),
    ("gh-150695", "3.14.2", "_io.StringIO", "__init__ write", {}),
    ("gh-157841", "3.13.5", "functools.partial", "__setstate__ repr", {}),
    ("gh-157841", "3.14.2", "functools.partial", "__setstate__ call", {}),
    ("gh-157841", "3.13.5", "functools.partial", "__setstate__ __setstate__", {}),
    ("gh-157076", "3.14.7", "bytearray", "__init__ __init__", {}),
    (
        "gh-126315",
        "3.13.5",
        "module",
        "start stop",
        {"calls": "_tracemalloc.start _tracemalloc.stop"},
    ),
    (
        "gh-128679",
        "3.13.1",
        "module",
        "stop bytearray",
        {"calls": "_tracemalloc.stop", "in": "tracemalloc_alloc"},
    ),
    (
        "gh-126314",
        "3.13.1",
        "module",
        "take_snapshot clear_traces",
        {"calls": "tracemalloc.take_snapshot _tracemalloc.clear_traces"},
    ),
    (
        "gh-127065",
        "3.13.0",
        "operator.methodcaller",
        "call call",
        {"in": "methodcaller_vectorcall"},
    ),
    # references dropped once too often
    ("gh-123471", "3.13.5", "itertools.pairwise", "next next", {}),
    ("gh-123471", "3.13.5", "itertools.batched", "next list", {}),
    ("gh-123471", "3.13.5", "itertools.cycle", "next next", {}),
    ("gh-123471", "3.14.2", "itertools.product", "iter next", {}),
    ("gh-123471", "3.13.5", "itertools.zip_longest", "next next", {}),
    ("gh-123471", "3.13.5", "itertools.chain", "tuple next", {}),
    ("gh-124397", "3.13.5", "memory_iterator", "next next", {}),
    ("gh-124397", "3.13.5", "enumerate", "next next", {}),
    ("gh-124397", "3.13.5", "zip", "next list", {}),
    ("gh-124397", "3.13.5", "reversed", "next next", {}),
    (
        "gh-126895",
        "3.13.5",
        "module",
        "set_completer_delims set_completer_delims",
        {"calls": "readline.set_completer_delims"},
    ),
    (
        "gh-127085",
        "3.13.5",
        "memoryview",
        "unpack_from unpack_from",
        {"calls": "_struct.unpack_from"},
    ),
    ("gh-127716|gh-132565", "3.13.5", "memoryview", "release release", {}),
    (
        "gh-127716|gh-132565",
        "3.13.5",
        "memoryview",
        "memoryview release",
        {"rule": "FT401", "assertion": "self->mbuf->exports > 0"},
    ),
    ("gh-127946", "3.13.5", "_FuncPtr _ctypes.CFuncPtr", "setattr:argtypes setattr:argtypes", {}),
    ("gh-127946", "3.13.5", "_FuncPtr _ctypes.CFuncPtr", "setattr:restype getattr:restype", {}),
    ("gh-128002", "3.13.5", "_asyncio.Future", "add_done_callback set_result", {}),
    ("gh-128002", "3.13.5", "_asyncio.Task", "cancel add_done_callback", {}),
    ("gh-128182", "3.13.5", "c_char_p_Array_8 _ctypes.Array", "setitem setitem", {}),
    ("gh-128182", "3.13.5", "c_char_p _ctypes._SimpleCData", "setattr:value getattr:value", {}),
    ("gh-144356", "3.13.5", "set_iterator", "next next", {}),
    ("gh-150791", "3.13.5", "itertools.groupby", "next next", {}),
    ("gh-150858", "3.13.5", "type", "getattr:__qualname__ setattr:__qualname__", {}),
    ("gh-150858", "3.14.2", "type", "setattr:__qualname__ setattr:__qualname__", {}),
    ("gh-133467", "3.13.5", "type", "setattr:__bases__ getattr:__bases__", {}),
    ("gh-153062", "3.13.5", "itertools._tee", "next next", {}),
    ("gh-153297", "3.13.5", "function", "setattr:__qualname__ repr", {}),
    ("gh-153297", "3.13.5", "function", "setattr:__defaults__ call", {}),
    ("gh-153297|gh-154821", "3.13.5", "function", "setattr:__name__ getattr:__name__", {}),
    ("gh-153297", "3.13.5", "function", "setattr:__kwdefaults__ setattr:__kwdefaults__", {}),
    ("gh-154043", "3.13.5", "generic_alias_iterator", "next next", {}),
    ("gh-154130", "3.13.5", "dict_keyiterator", "next next", {}),
    ("gh-154130", "3.13.5", "dict_itemiterator", "list next", {}),
    ("gh-156310", "3.13.5", "iterator", "next next", {}),
    ("gh-151409", "3.13.5", "itertools.islice", "next list", {}),
    ("gh-153928", "3.13.5", "str_ascii_iterator", "next next", {}),
    ("gh-154013", "3.13.5", "_struct.unpack_iterator", "next list", {}),
    ("gh-154523", "3.14.2", "_io.TextIOWrapper", "getattr:buffer detach", {}),
    (
        "gh-153291",
        "3.14.2",
        "function",
        "get_completer set_completer",
        {"calls": "readline.get_completer readline.set_completer"},
    ),
    (
        "gh-151377",
        "3.15.0b1",
        "type",
        "setattr:__repr__ __build_class__",
        {"in": "recurse_down_subclasses update_one_slot"},
    ),
    ("gh-153981", "3.14.2", "itertools.count", "repr next", {}),
    ("gh-151223", "3.14.2", "Thing", "getweakrefs store-global", {"calls": "_weakref.getweakrefs"}),
    (
        "gh-152767",
        "3.13.5",
        "IncrementalEncoder _multibytecodec.MultibyteIncrementalEncoder",
        "setattr:errors getattr:errors",
        {},
    ),
    (
        "gh-154577",
        "3.13.5",
        "IncrementalEncoder _multibytecodec.MultibyteIncrementalEncoder",
        "encode setstate",
        {},
    ),
    ("gh-154577", "3.14.2", "_multibytecodec.MultibyteIncrementalDecoder", "decode reset", {}),
    ("gh-156169", "3.13.5", "_multibytecodec.MultibyteStreamReader", "read readline", {}),
    (
        "gh-154348",
        "3.13.5",
        "module",
        "use_tool_id free_tool_id",
        {"in": "monitoring_free_tool_id"},
    ),
    # half-built objects, lifetimes, profilers
    (
        "gh-132707|gh-146056",
        "3.13.5",
        "list",
        "repr get_objects",
        {"rule": "FT205", "calls": "gc.get_objects"},
    ),
    (
        "gh-132707|gh-146056",
        "3.13.5",
        "tuple",
        "repr get_referrers",
        {"rule": "FT205", "calls": "gc.get_referrers"},
    ),
    (
        "gh-152235",
        "3.13.5",
        "frozenset",
        "repr get_objects",
        {"rule": "FT205", "calls": "gc.get_objects"},
    ),
    (
        "gh-118680|gh-152355",
        "3.13.5",
        "frame",
        "getattr:f_back _current_frames",
        {"in": "PyFrame_GetBack", "calls": "sys._current_frames"},
    ),
    (
        "gh-152355",
        "3.14.2",
        "frame",
        "getattr:f_lineno _current_frames",
        {"in": "frame_getlineno", "calls": "sys._current_frames"},
    ),
    (
        "gh-131580|gh-128400",
        "3.13.5",
        "module",
        "dump_traceback_later",
        {
            "calls": "faulthandler.dump_traceback_later",
            "in": "dump_frame dump_traceback _Py_DumpTracebackThreads",
        },
    ),
    (
        "gh-151363",
        "3.13.5",
        "module",
        "enable disable",
        {
            "calls": "faulthandler.enable faulthandler.disable",
            "rule": "FT401",
            "assertion": "!handler->enabled",
        },
    ),
    (
        "gh-151363",
        "3.13.5",
        "module",
        "enable disable",
        {"calls": "faulthandler.enable faulthandler.disable"},
    ),
    (
        "gh-151475",
        "3.13.5",
        "module",
        "dump_traceback_later cancel_dump_traceback_later",
        {
            "calls": "faulthandler.dump_traceback_later faulthandler.cancel_dump_traceback_later",
            "rule": "FT405",
        },
    ),
    (
        "gh-132296|gh-127235",
        "3.13.5",
        "function",
        "settrace_all_threads",
        {
            "calls": "threading.settrace_all_threads",
            "in": "is_tstate_valid PyEval_SetTraceAllThreads",
            "rule": "FT401",
            "assertion": "!_PyMem_IsPtrFreed(tstate)",
        },
    ),
    (
        "gh-137400|gh-132296",
        "3.13.5",
        "function",
        "setprofile_all_threads",
        {
            "calls": "threading.setprofile_all_threads",
            "in": "call_trampoline sys_profile_func2",
            "rule": "FT404",
        },
    ),
    ("gh-125165|gh-126884", "3.13.5", "cProfile.Profile _lsprof.Profiler", "enable disable", {}),
    ("gh-125165|gh-126884", "3.13.5", "_lsprof.Profiler", "enable clear", {}),
    (
        "gh-142975",
        "3.13.5",
        "module",
        "freeze unfreeze",
        {
            "calls": "gc.freeze gc.unfreeze",
            "rule": "FT401",
            "assertion": "_Py_REFCNT(((PyObject*)((op)))) > 0",
        },
    ),
    (
        "gh-134679|gh-124470|gh-128804",
        "3.13.5",
        "Config",
        "setattr:__dict__ setattr:__dict__",
        {
            "rule": "FT401",
            "in": "_Py_qsbr_poll process_queue",
            "assertion": "((_PyThreadStateImpl *)_PyThreadState_GET())->qsbr == qsbr",
        },
    ),
    ("gh-134679|gh-124470", "3.13.5", "Config", "setattr:__dict__ setattr:__dict__", {}),
    # generators and other iterators
    ("gh-120321|gh-156351|gh-135325", "3.13.5", "generator", "next next", {}),
    ("gh-120321|gh-156351|gh-135325", "3.14.2", "generator", "send next", {}),
    ("gh-120321", "3.13.5", "async_generator", "asend asend", {}),
    ("gh-120321", "3.13.5", "coroutine", "send send", {}),
    (
        "gh-120321|gh-126366",
        "3.13.5",
        "generator",
        "list next",
        {"rule": "FT401", "assertion": "FRAME_STATE_SUSPENDED(gen->gi_frame_state)"},
    ),
    ("gh-154535", "3.13.5", "keys", "next next", {}),
    ("gh-154535", "3.14.2", "items", "next list", {}),
    (
        "gh-143189",
        "3.13.5",
        "dict",
        "setattr:x",
        {"rule": "FT401", "in": "insertdict", "assertion": "old_value != NULL"},
    ),
    # C libraries that are not made for it
    ("gh-134698", "3.13.5", "_ssl._SSLContext", "load_cert_chain load_cert_chain", {}),
    ("gh-151508", "3.13.5", "_ssl._SSLSocket", "recv send", {}),
    ("gh-146471", "3.14.3", "sqlite3.Cursor", "execute fetchall", {}),
    ("gh-157095", "3.13.5", "xml.etree.ElementTree.XMLParser", "feed feed", {}),
    ("gh-157095", "3.13.5", "pyexpat.xmlparser", "Parse Parse", {}),
    ("gh-133885", "3.14.0b1", "compression.zstd.ZstdCompressor", "compress flush", {}),
    ("greenlet#503", "3.14.6", "greenlet.greenlet", "switch switch", {}),
    ("cereggii#88", "3.14.2", "cereggii.AtomicDict", "fast_iter setitem", {}),
    ("ft_utils#13", "3.13.5", "ft_utils.concurrency.ConcurrentDict", "setitem setitem", {}),
    ("python-rapidjson#234", "3.14.2", "dict", "dumps pop", {"calls": "rapidjson.dumps"}),
    # earlier versions
    ("gh-120198", "3.13.0b1", "Thing", "setattr:__class__ getattr:__class__", {}),
    ("gh-118561", "3.13.0b1", "list", "extend iter", {}),
    (
        "gh-134908",
        "3.13.3",
        "_io.TextIOWrapper",
        "next write",
        {"rule": "FT401", "assertion": "self->pending_bytes_count == 0"},
    ),
    ("gh-127020", "3.13.0", "code", "getattr:co_code getattr:co_code", {}),
    (
        "gh-132869",
        "3.13.2",
        "Thing",
        "getattr:x setattr:x",
        {"in": "_PyObject_TryGetInstanceAttribute"},
    ),
    ("gh-130163", "3.13.2", "module", "print setattr:stdout", {}),
)


def crash(kinds: str, done: str, further: dict[str, str], is_certain: bool = True) -> CrashFeatures:
    first, *bases = kinds.split()
    frames = further.get("in", "").split()
    candidate = Candidate(
        types=frozenset({first}),
        families=frozenset({first, *bases, "object"}),
        operations=operations(done),
        is_certain=is_certain,
        used_in=frozenset(further.get("used", "").split()),
    )
    return CrashFeatures(
        rules=frozenset({further.get("rule", "FT105"), "FT301"}),
        candidates=(candidate,),
        frames=tuple(frames),
        inner=frozenset(frames),
        calls=frozenset(further.get("calls", "").split()),
        assertion=further.get("assertion"),
        fatal_error=further.get("message"),
        is_victim="in" not in further and "rule" not in further,
    )


@pytest.mark.parametrize(("right", "version", "kinds", "done", "further"), ROWS)
def test_the_defect_is_in_first_place(
    right: str, version: str, kinds: str, done: str, further: dict[str, str]
) -> None:
    found = identify(version, crash(kinds, done, further)).issues
    assert found, "nothing matches"
    assert found[0].id in right.split("|"), [(issue.id, issue.match, issue.why) for issue in found]
    assert found[0].match in ("exact", "likely")


def test_what_threads_do_is_not_what_called_python_code_would_do() -> None:
    """gh-143378 is of one thread's write(), whose argument's code changes the BytesIO."""
    seen = {"in": "resize_buffer write_bytes", "used": "resize_buffer write_bytes"}
    found = identify("3.13.5", crash("_io.BytesIO", "write truncate", seen)).issues
    sure = [issue.id for issue in found if issue.match != "possible"]
    assert "gh-132551" in sure
    assert "gh-143378" not in sure


FIXES = {issue.id: issue.fixed_in for issue in catalogue()}
FIXED = [(row, fix) for row in ROWS for fix in FIXES[row[0].split("|")[0]]]


@pytest.mark.parametrize(("row", "fix"), FIXED)
def test_a_version_with_the_fix_never_has_it_for_sure(
    row: tuple[str, str, str, str, dict[str, str]], fix: str
) -> None:
    right, _, kinds, done, further = row
    assert (right.split("|")[0], "exact") not in [
        (issue.id, issue.match) for issue in identify(fix, crash(kinds, done, further)).issues
    ]


@pytest.mark.parametrize(("right", "version", "kinds", "done", "further"), ROWS)
def test_a_busy_object_beside_damage_elsewhere_is_only_possible(
    right: str, version: str, kinds: str, done: str, further: dict[str, str]
) -> None:
    calls = {"calls": further["calls"]} if "calls" in further else {}
    assert {
        issue.match
        for issue in identify(version, crash(kinds, done, calls, is_certain=False)).issues
    } <= {"possible"}
