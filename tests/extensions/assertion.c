/* An assertion of the extension's own. */
#undef NDEBUG
#include "module.h"
#include <assert.h>

static PyObject *half(PyObject *self, PyObject *number)
{
    long value = PyLong_AsLong(number);
    assert(value % 2 == 0);
    return PyLong_FromLong(value / 2);
}

static PyMethodDef methods[] = {{"half", half, METH_O, NULL}, {0}};
MODULE(assertion, methods, no_types)
