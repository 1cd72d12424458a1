/* A helper that is given an item of a list by its caller; the item was never set. */
#include "module.h"

static __attribute__((noinline)) Py_ssize_t width(PyObject *row)
{
    return PyList_Check(row) ? PyList_GET_SIZE(row) : 1;
}

static PyObject *widths(PyObject *self, PyObject *list)
{
    Py_ssize_t sum = 0;
    for (Py_ssize_t n = 0; n < PyList_GET_SIZE(list); n++)
        sum += width(PyList_GET_ITEM(list, n));
    return PyLong_FromSsize_t(sum);
}

static PyObject *make(PyObject *self, PyObject *unused)
{
    PyObject *list = PyList_New(3);
    PyList_SET_ITEM(list, 0, PyList_New(1));
    PyList_SET_ITEM(list, 1, PyList_New(1));
    return list;
}

static PyMethodDef methods[] = {{"make", make, METH_NOARGS, NULL}, {"widths", widths, METH_O, NULL}, {0}};
MODULE(passed_item, methods, no_types)
