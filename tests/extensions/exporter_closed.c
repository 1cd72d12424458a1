/* Memory that a type exports is given back while a memoryview of it is read. */
#include "module.h"
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (1 << 20)
typedef struct { PyObject_HEAD char *bytes; } Store;

static PyObject *store_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Store *store = (Store *)type->tp_alloc(type, 0);
    if (store)
        store->bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return (PyObject *)store;
}

static int store_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, self, ((Store *)self)->bytes, SIZE, 0, flags);
}

static PyObject *store_close(PyObject *self, PyObject *unused)
{
    munmap(((Store *)self)->bytes, SIZE);
    usleep(20000000);
    Py_RETURN_NONE;
}

static PyMethodDef store_methods[] = {{"close", store_close, METH_NOARGS, NULL}, {0}};
static PyBufferProcs store_buffer = {.bf_getbuffer = store_getbuffer};
static PyTypeObject Store_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "exporter_closed.Store",
    .tp_basicsize = sizeof(Store),
    .tp_new = store_new,
    .tp_as_buffer = &store_buffer,
    .tp_methods = store_methods,
};

static int ready(PyObject *module) { return PyModule_AddType(module, &Store_Type); }
MODULE(exporter_closed, NULL, ready)
