/* A text from the C library's strdup() goes to PyMem_Free. */
#include "module.h"
#include <string.h>

static PyObject *trimmed(PyObject *self, PyObject *text)
{
    const char *given = PyUnicode_AsUTF8(text);
    if (!given)
        return NULL;
    char *copy = strdup(given);
    PyObject *result = PyUnicode_FromString(copy + strspn(copy, " "));
    PyMem_Free(copy);
    return result;
}

static PyMethodDef methods[] = {{"trimmed", trimmed, METH_O, NULL}, {0}};
MODULE(malloc_to_pymem, methods, no_types)
