/* Makes a row, and asks for the length of a unit that is not there before the row is filled. */
#include "module.h"

__attribute__((noinline)) static Py_ssize_t width(PyObject *row, PyObject *unit)
{
    return PyTuple_GET_SIZE(row) * PyUnicode_GetLength(unit);
}

static PyObject *describe(PyObject *self, PyObject *units)
{
    PyObject *row = PyTuple_New(2);
    if (!row)
        return NULL;
    PyTuple_SET_ITEM(row, 0, Py_NewRef(units));
    PyTuple_SET_ITEM(row, 1, PyLong_FromSsize_t(width(row, PyDict_GetItemString(units, "size"))));
    return row;
}

static PyMethodDef methods[] = {{"describe", describe, METH_O, NULL}, {0}};
MODULE(half_built, methods, no_types)
