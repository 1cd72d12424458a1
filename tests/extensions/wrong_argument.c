/* merge() takes any object for a ledger. */
#include "module.h"

typedef struct { PyObject_HEAD long count; long *entries; } Ledger;

static PyObject *ledger_merge(PyObject *self, PyObject *other)
{
    long *entries = ((Ledger *)other)->entries;
    return PyLong_FromLong(entries[((Ledger *)other)->count]);
}

static PyMethodDef ledger_methods[] = {{"merge", ledger_merge, METH_O, NULL}, {0}};
static PyTypeObject Ledger_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "wrong_argument.Ledger",
    .tp_basicsize = sizeof(Ledger),
    .tp_new = PyType_GenericNew,
    .tp_methods = ledger_methods,
};

static int ready(PyObject *module) { return PyModule_AddType(module, &Ledger_Type); }
MODULE(wrong_argument, NULL, ready)
