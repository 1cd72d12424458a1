/* Drops a reference that it was only lent. */
#include "module.h"

static PyObject *inspect(PyObject *self, PyObject *item)
{
    PyObject *length = PyLong_FromSsize_t(PyObject_Size(item));
    Py_DECREF(item);
    return length;
}

static PyMethodDef methods[] = {{"inspect", inspect, METH_O, NULL}, {0}};
MODULE(extra_decref, methods, no_types)
