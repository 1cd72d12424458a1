/* Every struct that the shipped tables hold, for scripts/version_tables.py: compiled with -g against a version's headers, its debug
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
struct bootstate { PyThreadState *tstate; PyObject *func, *args, *kwargs; ThreadHandle *handle; PyEvent handle_ready; };

/* Objects/descrobject.c, typeobject.c, rangeobject.c, typevarobject.c, odictobject.c */
typedef struct { PyObject_HEAD PyObject *prop_get, *prop_set, *prop_del, *prop_doc, *prop_name; int getter_doc; } propertyobject;
typedef struct { PyObject_HEAD PyTypeObject *type; PyObject *obj; PyTypeObject *obj_type; } superobject;
typedef struct { PyObject_HEAD PyObject *start, *stop, *step, *length; } rangeobject;
typedef struct {
    PyObject_HEAD
    PyObject *name, *bound, *evaluate_bound, *constraints, *evaluate_constraints, *default_value, *evaluate_default;
    bool covariant, contravariant, infer_variance;
} typevarobject;
struct _odictnode { PyObject *key; Py_hash_t hash; struct _odictnode *next, *prev; };
struct _odictobject {
    PyDictObject od_dict;
    struct _odictnode *od_first, *od_last, **od_fast_nodes;
    Py_ssize_t od_fast_nodes_size;
    void *od_resize_sentinel;
    size_t od_state;
    PyObject *od_inst_dict, *od_weakreflist;
};
typedef struct {
    PyObject_HEAD
    int kind;
    PyODictObject *di_odict;
    Py_ssize_t di_size;
    size_t di_state;
    PyObject *di_current, *di_result;
} odictiterobject;
#if PY_VERSION_HEX >= 0x030E0000
typedef struct { PyObject_HEAD Py_ssize_t it_index; PyTupleObject *it_seq; } _PyTupleIterObject;
#endif

/* Python/bltinmodule.c */
typedef struct { PyObject_HEAD PyObject *func, *it; } filterobject;
typedef struct {
    PyObject_HEAD
    PyObject *iters, *func;
#if PY_VERSION_HEX >= 0x030E0000
    int strict;
#endif
} mapobject;
typedef struct { PyObject_HEAD Py_ssize_t tuplesize; PyObject *ittuple, *result; int strict; } zipobject;

/* Modules/itertoolsmodule.c */
typedef struct { PyObject_HEAD PyObject *total, *it, *binop, *initial; void *state; } accumulateobject;
typedef struct { PyObject_HEAD PyObject *it; Py_ssize_t batch_size; bool strict; } batchedobject;
typedef struct { PyObject_HEAD PyObject *source, *active; } chainobject;
typedef struct { PyObject_HEAD PyObject *pool; Py_ssize_t *indices; PyObject *result; Py_ssize_t r; int stopped; } combinationsobject;
typedef combinationsobject cwrobject;
typedef struct { PyObject_HEAD PyObject *data, *selectors; } compressobject;
typedef struct { PyObject_HEAD Py_ssize_t cnt; PyObject *long_cnt, *long_step; } countobject;
typedef struct {
    PyObject_HEAD
    PyObject *it, *saved;
    Py_ssize_t index;
#if PY_VERSION_HEX < 0x030E0000
    int firstpass;
#endif
} cycleobject;
typedef struct { PyObject_HEAD PyObject *func, *it; long start; } dropwhileobject;
typedef struct { PyObject_HEAD PyObject *func, *it; } filterfalseobject;
typedef struct { PyObject_HEAD PyObject *it, *keyfunc, *tgtkey, *currkey, *currvalue; void *currgrouper, *state; } groupbyobject;
typedef struct { PyObject_HEAD PyObject *parent, *tgtkey; } _grouperobject;
typedef struct { PyObject_HEAD PyObject *it; Py_ssize_t next, stop, step, cnt; } isliceobject;
typedef struct { PyObject_HEAD PyObject *it, *old, *result; } pairwiseobject;
typedef struct {
    PyObject_HEAD
    PyObject *pool;
    Py_ssize_t *indices, *cycles;
    PyObject *result;
    Py_ssize_t r;
    int stopped;
} permutationsobject;
typedef struct { PyObject_HEAD PyObject *pools; Py_ssize_t *indices; PyObject *result; int stopped; } productobject;
typedef struct { PyObject_HEAD PyObject *element; Py_ssize_t cnt; } repeatobject;
typedef struct { PyObject_HEAD PyObject *func, *it; } starmapobject;
typedef struct { PyObject_HEAD PyObject *func, *it; long stop; } takewhileobject;
typedef struct { PyObject_HEAD void *dataobj; int index; PyObject *weakreflist; void *state; } teeobject;
typedef struct { PyObject_HEAD Py_ssize_t tuplesize, numactive; PyObject *ittuple, *result, *fillvalue; } ziplongestobject;

/* Modules/_functoolsmodule.c */
typedef struct {
    PyObject_HEAD
    PyObject *fn, *args, *kw, *dict, *weakreflist;
#if PY_VERSION_HEX >= 0x030E0000
    PyObject *placeholder;
    Py_ssize_t phcount;
#endif
    vectorcallfunc vectorcall;
} partialobject;
typedef struct { PyObject_HEAD PyObject *cmp, *object; } keyobject;
typedef struct lru_list_elem { PyObject_HEAD struct lru_list_elem *prev, *next; Py_hash_t hash; PyObject *key, *result; } lru_list_elem;
typedef struct {
    lru_list_elem root;
    void *wrapper;
    int typed;
    PyObject *cache;
    Py_ssize_t hits;
    PyObject *func;
    Py_ssize_t maxsize, misses;
    PyObject *kwd_mark;
    PyTypeObject *lru_list_elem_type;
    PyObject *cache_info_type, *dict, *weakreflist;
} lru_cache_object;

/* Modules/_collectionsmodule.c */
typedef struct block { struct block *leftlink; PyObject *data[64]; struct block *rightlink; } block;
typedef struct {
    PyObject_VAR_HEAD
    block *leftblock, *rightblock;
    Py_ssize_t leftindex, rightindex;
    size_t state;
    Py_ssize_t maxlen, numfreeblocks;
    block *freeblocks[16];
    PyObject *weakreflist;
} dequeobject;
typedef struct { PyObject_HEAD block *b; Py_ssize_t index; dequeobject *deque; size_t state; Py_ssize_t counter; } dequeiterobject;
typedef struct { PyDictObject dict; PyObject *default_factory; } defdictobject;

/* Modules/_sre/sre.h */
typedef struct {
    PyObject_VAR_HEAD
    Py_ssize_t groups;
    PyObject *groupindex, *indexgroup, *pattern;
    int flags;
    PyObject *weakreflist;
    int isbytes;
#ifdef Py_DEBUG
    int fail_after_count;
    PyObject *fail_after_exc;
#endif
    Py_ssize_t codesize;
    Py_UCS4 code[1];
} PatternObject;
typedef struct {
    PyObject_VAR_HEAD
    PyObject *string, *regs;
    PatternObject *pattern;
    Py_ssize_t pos, endpos, lastindex, groups, mark[1];
} MatchObject;

/* Modules/_io */
typedef struct { PyObject_HEAD PyObject *buf; Py_ssize_t pos, string_size; PyObject *dict, *weakreflist; Py_ssize_t exports; } bytesio;
typedef struct {
    PyObject_HEAD
    Py_UCS4 *buf;
    Py_ssize_t pos, string_size;
    size_t buf_size;
    int state;
#if PY_VERSION_HEX >= 0x030E0000
    PyUnicodeWriter *writer;
#else
    _PyUnicodeWriter writer;
#endif
    char ok, closed, readuniversal, readtranslate;
    PyObject *decoder, *readnl, *writenl, *dict, *weakreflist;
    void *module_state;
} stringio;
typedef struct {
    PyObject_HEAD
    int ok, detached;
    Py_ssize_t chunk_size;
    PyObject *buffer, *encoding, *encoder, *decoder, *readnl, *errors;
    const char *writenl;
    char line_buffering, write_through, readuniversal, readtranslate, writetranslate, seekable, has_read1, telling, finalizing;
    void *encodefunc;
    char encoding_start_of_stream;
    PyObject *decoded_chars;
    Py_ssize_t decoded_chars_used;
    PyObject *pending_bytes;
    Py_ssize_t pending_bytes_count;
    PyObject *snapshot;
    double b2cratio;
    PyObject *raw, *weakreflist, *dict;
    void *state;
} textio;

/* Modules/_csv.c, Modules/_elementtree.c */
typedef struct {
    PyObject_HEAD
    PyObject *input_iter;
    void *dialect;
    PyObject *fields;
    int state;
    Py_UCS4 *field;
    Py_ssize_t field_size, field_len;
    bool unquoted_field;
    unsigned long line_num;
} ReaderObj;
typedef struct {
    PyObject_HEAD
    PyObject *write;
    void *dialect;
    Py_UCS4 *rec;
    Py_ssize_t rec_size, rec_len;
    int num_fields;
    PyObject *error_obj;
} WriterObj;
typedef struct { PyObject_HEAD PyObject *tag, *text, *tail; void *extra; PyObject *weakreflist; } ElementObject;
