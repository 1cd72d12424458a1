/* Drops a reference that it was only lent, of an attribute's value. */
#include "module.h"

static PyObject *inspect(PyObject *self, PyObject *value)
{
    PyObject *length = PyLong_FromSsize_t(PyObject_Size(value));
    Py_DECREF(value);
    return length;
}

static PyMethodDef methods[] = {{"inspect", inspect, METH_O, NULL}, {0}};
MODULE(namespace_decref, methods, no_types)
