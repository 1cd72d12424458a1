/* Keeps a borrowed reference to a list's item while other threads may run. */
#include "module.h"
#include <unistd.h>

static volatile int holding;

static PyObject *slow_repr(PyObject *self, PyObject *list)
{
    PyObject *item = PyList_GetItem(list, 0);
    if (!item)
        return NULL;
    holding = 1;
    Py_BEGIN_ALLOW_THREADS
    while (PyList_GET_SIZE(list))
        usleep(1000);
    usleep(100000);
    Py_END_ALLOW_THREADS
    PyObject *text = PyObject_Repr(item);
    holding = 0;
    return text;
}

static PyObject *holds(PyObject *self, PyObject *unused) { return PyBool_FromLong(holding); }

static PyMethodDef methods[] = {
    {"slow_repr", slow_repr, METH_O, NULL}, {"holds", holds, METH_NOARGS, NULL}, {0}};
MODULE(borrowed_item, methods, no_types)
