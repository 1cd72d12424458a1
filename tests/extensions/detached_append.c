/* Appends to a list between Py_BEGIN_ALLOW_THREADS and Py_END_ALLOW_THREADS. */
#include "module.h"

static PyObject *collect(PyObject *self, PyObject *list)
{
    Py_BEGIN_ALLOW_THREADS
    for (long n = 1000; n < 2000; n++) {
        PyObject *number = PyLong_FromLong(n);
        PyList_Append(list, number);
        Py_DECREF(number);
    }
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"collect", collect, METH_O, NULL}, {0}};
MODULE(detached_append, methods, no_types)
