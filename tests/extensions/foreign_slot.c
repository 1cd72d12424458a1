/* A type that takes list's tp_repr without being a list. */
#include "module.h"

typedef struct { PyObject_HEAD long count; long first; } Counts;

static PyObject *counts_add(PyObject *self, PyObject *unused)
{
    Counts *counts = (Counts *)self;
    counts->count += 2;
    counts->first = 0x111;
    Py_RETURN_NONE;
}

static PyMethodDef counts_methods[] = {{"add", counts_add, METH_NOARGS, NULL}, {0}};
static PyTypeObject Counts_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "foreign_slot.Counts",
    .tp_basicsize = sizeof(Counts),
    .tp_new = PyType_GenericNew,
    .tp_methods = counts_methods,
};

static int ready(PyObject *module)
{
    Counts_Type.tp_repr = PyList_Type.tp_repr;
    return PyModule_AddType(module, &Counts_Type);
}
MODULE(foreign_slot, NULL, ready)
