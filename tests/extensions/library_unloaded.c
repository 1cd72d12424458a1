/* Keeps a function pointer, and calls it later; answer() is what it is pointed to. */
#include "module.h"
#include <stdint.h>

static int (*handler)(int);

__attribute__((visibility("default"))) int answer(int number) { return number + 35; }

static PyObject *install(PyObject *self, PyObject *address)
{
    handler = (int (*)(int))(uintptr_t)PyLong_AsUnsignedLongLong(address);
    Py_RETURN_NONE;
}

static PyObject *fire(PyObject *self, PyObject *unused)
{
    int result = handler(7);
    return PyLong_FromLong(result);
}

static PyMethodDef methods[] = {
    {"install", install, METH_O, NULL}, {"fire", fire, METH_NOARGS, NULL}, {0}};
MODULE(library_unloaded, methods, no_types)
