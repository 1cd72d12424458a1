/* All of the iterator: a header-only library. */
#include <Python.h>

typedef struct { PyObject_HEAD PyObject *current; } Walker;

static PyObject *take_current(Walker *walker) { return Py_NewRef(walker->current); }
static PyObject *walker_next(PyObject *self) { return take_current((Walker *)self); }

static PyTypeObject Walker_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "header_iterator.Walker",
    .tp_basicsize = sizeof(Walker),
    .tp_new = PyType_GenericNew,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = walker_next,
};
