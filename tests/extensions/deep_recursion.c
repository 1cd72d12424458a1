/* Recurses as deep as its argument says. */
#include "module.h"

static long depth(long left)
{
    volatile char room[512];
    room[0] = 1;
    return left ? depth(left - 1) + room[0] : 0;
}

static PyObject *descend(PyObject *self, PyObject *number)
{
    return PyLong_FromLong(depth(PyLong_AsLong(number)));
}

static PyMethodDef methods[] = {{"descend", descend, METH_O, NULL}, {0}};
MODULE(deep_recursion, methods, no_types)
