/* Every struct that the shipped tables hold, for scripts/layout_tables.py: compiled with -g against a version's headers, its debug
   information is that version's layout.  What CPython keeps to itself in a .c file is declared here again, in our own words, with
   its name of it in the first comment; the script checks these against the DWARF of a real 3.13 build. */

#include "Python.h"

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "pycore_brc.h"
#include "pycore_code.h"
#include "pycore_context.h"
#include "pycore_critical_section.h"
#include "pycore_dict.h"
#include "pycore_frame.h"
#include "pycore_function.h"
#include "pycore_interp.h"
#include "pycore_list.h"
#include "pycore_lock.h"
#include "pycore_mimalloc.h"
#include "pycore_namespace.h"
#include "pycore_object_stack.h"
#include "pycore_pymem.h"
#include "pycore_pystate.h"
#include "pycore_qsbr.h"
#include "pycore_range.h"
#include "pycore_runtime.h"
#include "pycore_semaphore.h"
#include "pycore_tstate.h"
#include "pycore_typeobject.h"
#if PY_VERSION_HEX >= 0x030E0000
#include "pycore_interpframe.h"
#include "pycore_interpframe_structs.h"
#include "pycore_stackref.h"
#endif
#if PY_VERSION_HEX < 0x030E0000
#include "pycore_freelist.h"
#endif

/* Objects/listobject.c */
typedef struct { Py_ssize_t allocated; PyObject *ob_item[]; } _PyListArray;

/* Objects/unionobject.c */
typedef struct {
    PyObject_HEAD
    PyObject *args;
#if PY_VERSION_HEX >= 0x030E0000
    PyObject *hashable_args, *unhashable_args;
#endif
    PyObject *parameters;
#if PY_VERSION_HEX >= 0x030E0000
    PyObject *weakreflist;
#endif
} unionobject;

/* Objects/genericaliasobject.c */
typedef struct { PyObject_HEAD PyObject *origin, *args, *parameters, *weakreflist; bool starred; vectorcallfunc vectorcall; } gaobject;

/* Objects/funcobject.c */
typedef struct { PyObject_HEAD PyObject *cm_callable, *cm_dict; } classmethod;
typedef struct { PyObject_HEAD PyObject *sm_callable, *sm_dict; } staticmethod;

/* Objects/namespaceobject.c */
typedef struct { PyObject_HEAD PyObject *ns_dict; } _PyNamespaceObject;

/* Objects/descrobject.c */
typedef struct { PyObject_HEAD PyObject *mapping; } mappingproxyobject;
typedef struct { PyObject_HEAD PyWrapperDescrObject *descr; PyObject *self; } wrapperobject;

/* Objects/iterobject.c, enumobject.c, dictobject.c, setobject.c */
typedef struct { PyObject_HEAD Py_ssize_t it_index; PyObject *it_seq; } seqiterobject;
typedef struct { PyObject_HEAD PyObject *it_callable, *it_sentinel; } calliterobject;
typedef struct { PyObject_HEAD Py_ssize_t en_index; PyObject *en_sit, *en_result, *en_longindex, *one; } enumobject;
typedef struct { PyObject_HEAD Py_ssize_t index; PyObject *seq; } reversedobject;
typedef struct { PyObject_HEAD PyDictObject *di_dict; Py_ssize_t di_used, di_pos; PyObject *di_result; Py_ssize_t len; } dictiterobject;
typedef struct { PyObject_HEAD PySetObject *si_set; Py_ssize_t si_used, si_pos, len; } setiterobject;

/* Objects/obmalloc.c */
struct _mem_work_item { uintptr_t ptr; uint64_t qsbr_goal; };
struct _mem_work_chunk { struct llist_node node; Py_ssize_t rd_idx, wr_idx; struct _mem_work_item array[254]; };

/* Python/parking_lot.c */
typedef struct { _PyRawMutex mutex; struct llist_node root; size_t num_waiters; } Bucket;
struct wait_entry { void *park_arg; uintptr_t addr; _PySemaphore sema; struct llist_node node; bool is_unparking; };

/* Python/lock.c */
struct mutex_entry { PyTime_t time_to_be_fair; int handed_off; };
struct raw_mutex_entry { struct raw_mutex_entry *next; _PySemaphore sema; };

/* Modules/_threadmodule.c */
typedef struct { PyObject_HEAD PyMutex lock; } lockobject;
#if PY_VERSION_HEX >= 0x030E0000
typedef struct { PyObject_HEAD _PyRecursiveMutex lock; } rlockobject;
#else
typedef struct {
    PyObject_HEAD
    PyThread_type_lock rlock_lock;
    PyThread_ident_t rlock_owner;
    unsigned long rlock_count;
    PyObject *in_weakreflist;
} rlockobject;
#endif
typedef struct {
    struct llist_node node, shutdown_node;
    PyThread_ident_t ident;
    PyThread_handle_t os_handle;
    int has_os_handle, state;
    PyMutex mutex;
    PyEvent thread_is_exiting;
    _PyOnceFlag once;
    Py_ssize_t refcount;
} ThreadHandle;
typedef struct { PyObject_HEAD ThreadHandle *handle; } PyThreadHandleObject;
