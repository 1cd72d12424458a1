/* Keeps a pointer without a reference, and uses it later as if it were good. */
#include "module.h"

static PyObject *last;

static PyObject *keep(PyObject *self, PyObject *item)
{
    last = item;
    Py_RETURN_NONE;
}

static PyObject *last_type(PyObject *self, PyObject *ignored)
{
    Py_INCREF(last);
    PyObject *type = Py_NewRef(Py_TYPE(last));
    Py_DECREF(last);
    return type;
}

static PyMethodDef methods[] = {
    {"keep", keep, METH_O, NULL}, {"last_type", last_type, METH_NOARGS, NULL}, {0}};
MODULE(kept_pointer, methods, no_types)
