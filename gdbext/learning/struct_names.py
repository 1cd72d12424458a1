"""Which structs the tables of layouts have, by CPython's own names for them.

A version that lacks one has no entry for it.
"""

from __future__ import annotations

STRUCTS = """
PyObject PyVarObject PyListObject _PyListArray PyTupleObject PyDictObject PyDictKeysObject
PyDictValues PyDictKeyEntry
PyDictUnicodeEntry PyFrozenDictObject PySetObject setentry PyASCIIObject PyCompactUnicodeObject
PyUnicodeObject PyLongObject
_PyLongValue PyFloatObject PyComplexObject PyBytesObject PyByteArrayObject PyTypeObject
PyHeapTypeObject PyFunctionObject
PyMethodObject PyCFunctionObject PyCMethodObject PyMethodDef PyMemberDef PyGetSetDef PyDescrObject
PyMethodDescrObject
PyMemberDescrObject PyGetSetDescrObject PyWrapperDescrObject wrapperbase wrapperobject
mappingproxyobject propertyobject superobject
PyCellObject PyModuleObject PyModuleDef PyModuleDef_Base PyModuleDef_Slot PyWeakReference
PyBaseExceptionObject PyCodeObject
PyGenObject PyCoroObject PyAsyncGenObject PyFrameObject PyTracebackObject PySliceObject unionobject
gaobject classmethod
staticmethod _PyNamespaceObject PyContext PyContextVar PyContextToken PyCapsule PyODictObject
_odictnode PyMemoryViewObject
_PyManagedBufferObject Py_buffer dictiterobject _PyDictViewObject setiterobject _PyUnicodeWriter
rangeobject _PyRangeIterObject
seqiterobject calliterobject _PyListIterObject _PyTupleIterObject enumobject reversedobject
_PyCoMonitoringData _PyCoLineInstrumentationData _PyInterpreterFrame _PyStackRef _PyCodeArray
_PyCoCached
PyThreadState _PyThreadStateImpl PyInterpreterState
_PyRuntimeState _Py_DebugOffsets _gil_runtime_state _ceval_state _ceval_runtime_state
_gc_runtime_state gc_generation
_gc_thread_state _stoptheworld_state _qsbr_shared _qsbr_thread_state _qsbr_pad _brc_state
_brc_bucket _brc_thread_state
_mem_work_chunk _mem_work_item _Py_mem_interp_free_queue _PyObjectStack _PyObjectStackChunk
_Py_object_freelists _Py_freelists
_Py_freelist _Py_unique_id_pool _Py_unique_id_entry _PyIndexPool _mimalloc_interp_state
_mimalloc_thread_state
_import_state _import_runtime_state types_state type_cache type_cache_entry
managed_static_type_state
_PyErr_StackItem _PyStackChunk llist_node pyinterpreters _pymem_allocators PyMemAllocatorEx
_obmalloc_state
mi_block_t mi_page_t mi_segment_t mi_heap_t mi_tld_t mi_segments_tld_t mi_page_queue_t
mi_span_queue_t mi_arena_t mi_memid_t
mi_abandoned_pool_t mi_subproc_t mi_padding_t mi_page_flags_t
Bucket wait_entry mutex_entry PyMutex PyCriticalSection PyCriticalSection2 _PyRawMutex
raw_mutex_entry _PyRWMutex _PySeqLock
PyAttributeErrorObject PyBaseExceptionGroupObject PyImportErrorObject PyNameErrorObject
PyOSErrorObject PyStopIterationObject
PySyntaxErrorObject PySystemExitObject PyUnicodeErrorObject typevarobject odictiterobject
_PyOnceFlag PyEvent _PyRecursiveMutex _PySemaphore lockobject rlockobject ThreadHandle
PyThreadHandleObject bootstate
PyNumberMethods PySequenceMethods PyMappingMethods PyAsyncMethods PyBufferProcs PyType_Slot
PyType_Spec
"""

# Structs of extension modules, by module: each is in that shared library's DWARF only (or in
# python's own, where built in).
MODULE_STRUCTS = {
    "array": "arrayobject arraydescr arrayiterobject",
    "_elementtree": (
        "ElementObject ElementObjectExtra ElementIterObject TreeBuilderObject XMLParserObject"
    ),
    "_csv": "ReaderObj WriterObj DialectObj",
    "_struct": "PyStructObject unpackiterobject",
    "_json": "PyScannerObject PyEncoderObject",
    "_pickle": "PicklerObject UnpicklerObject Pdata PyMemoTable",
    "_random": "RandomObject",
    "_queue": "simplequeueobject RingBuf",
    "_asyncio": "FutureObj TaskObj futureiterobject TaskStepMethWrapper",
    "_ctypes": "CDataObject",
    "zlib": "compobject",
    "mmap": "mmap_object",
    "select": "pollObject",
}
BUILTIN_MODULE_STRUCTS = """
dequeobject BLOCK defdictobject dequeiterobject lru_cache_object lru_list_elem partialobject
keyobject
bytesio stringio buffered textio fileio iobase PatternObject MatchObject ScannerObject
batchedobject groupbyobject _grouperobject teeobject teedataobject cycleobject dropwhileobject
takewhileobject
isliceobject starmapobject chainobject productobject combinationsobject cwrobject permutationsobject
accumulateobject compressobject
filterfalseobject countobject pairwiseobject repeatobject ziplongestobject mapobject filterobject
zipobject
"""

# Nested members that nobody asks for and that are many: inside these only the member itself is
# kept.
CUT = {
    "_PyRuntimeState": (
        "_main_interpreter debug_offsets static_objects types preconfig ceval.perf "
        "ceval.pending_mainthread unicode_state"
    ),
    "PyInterpreterState": (
        "_initial_thread config dtoa static_objects cached_objects func_state long_state "
        "float_state unicode dict_state exc_state monitors object_state ast dtoa warnings "
        "ceval.pending _interactive_src_count memory ref_tracer codecs atexit audit_hooks parser "
        "callable_cache interp_state context ctx hamt xi global_objects"
    ),
    "_PyThreadStateImpl": (
        "base.remote_debugger_support mimalloc.tld.stats mimalloc.tld.segments.stats"
    ),
    "mi_tld_t": "stats",
}

ALL = [
    *STRUCTS.split(),
    *BUILTIN_MODULE_STRUCTS.split(),
    *" ".join(MODULE_STRUCTS.values()).split(),
]
