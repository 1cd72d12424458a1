/* Looks an attribute up, and uses the result without asking whether there is one. */
#include "module.h"

static PyObject *unit_of(PyObject *self, PyObject *measure)
{
    PyObject *unit = PyObject_GetAttrString(measure, "unit");
    Py_ssize_t length = PyUnicode_GET_LENGTH(unit);
    Py_DECREF(unit);
    return PyLong_FromSsize_t(length);
}

static PyMethodDef methods[] = {{"unit_of", unit_of, METH_O, NULL}, {0}};
MODULE(null_result, methods, no_types)
