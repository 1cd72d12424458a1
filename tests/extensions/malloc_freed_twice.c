/* close() frees the buffer and leaves the pointer to it; the deallocator frees it again. */
#include "module.h"
#include <stdlib.h>

typedef struct { PyObject_HEAD char *buffer; } Stream;

static PyObject *stream_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Stream *stream = (Stream *)type->tp_alloc(type, 0);
    if (stream)
        stream->buffer = malloc(200);
    return (PyObject *)stream;
}

static PyObject *stream_close(PyObject *self, PyObject *unused)
{
    free(((Stream *)self)->buffer);
    Py_RETURN_NONE;
}

static void stream_dealloc(PyObject *self)
{
    free(((Stream *)self)->buffer);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef stream_methods[] = {{"close", stream_close, METH_NOARGS, NULL}, {0}};
static PyTypeObject Stream_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "malloc_freed_twice.Stream",
    .tp_basicsize = sizeof(Stream),
    .tp_new = stream_new,
    .tp_dealloc = stream_dealloc,
    .tp_methods = stream_methods,
};

static int ready(PyObject *module) { return PyModule_AddType(module, &Stream_Type); }
MODULE(malloc_freed_twice, NULL, ready)
