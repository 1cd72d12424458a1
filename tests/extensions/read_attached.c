/* Reads from a pipe without detaching. */
#include "module.h"
#include <unistd.h>

static volatile int reads;

static PyObject *receive(PyObject *self, PyObject *number)
{
    char byte;
    reads = 1;
    long fd = PyLong_AsLong(number);
    if (fd < 0 || read((int)fd, &byte, 1) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *has_reader(PyObject *self, PyObject *unused) { return PyBool_FromLong(reads); }

static PyMethodDef methods[] = {
    {"receive", receive, METH_O, NULL}, {"has_reader", has_reader, METH_NOARGS, NULL}, {0}};
MODULE(read_attached, methods, no_types)
