/* A block of PyMem_Malloc goes to PyObject_Free: only the debug hooks tell the two apart. */
#include "module.h"

static PyObject *scratch(PyObject *self, PyObject *unused)
{
    void *block = PyMem_Malloc(64);
    PyObject_Free(block);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"scratch", scratch, METH_NOARGS, NULL}, {0}};
MODULE(pymem_to_object_free, methods, no_types)
