/* An iterator whose buffer nobody has given it is read by one of Python's own types. */
#include "module.h"

typedef struct { PyObject_HEAD long at; long *values; } Values;

static PyObject *values_iter(PyObject *self) { return Py_NewRef(self); }

static PyObject *values_next(PyObject *self)
{
    Values *values = (Values *)self;
    return PyLong_FromLong(values->values[values->at++]);
}

static PyTypeObject Values_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "null_iterator.Values",
    .tp_basicsize = sizeof(Values),
    .tp_new = PyType_GenericNew,
    .tp_iter = values_iter,
    .tp_iternext = values_next,
};

static int ready(PyObject *module) { return PyModule_AddType(module, &Values_Type); }
MODULE(null_iterator, NULL, ready)
