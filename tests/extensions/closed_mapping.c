/* A mapping is closed by one thread while another, detached, adds its bytes up. */
#include "module.h"
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (1 << 20)
typedef struct { PyObject_HEAD volatile unsigned char *bytes; volatile int reading; } Mapping;

static PyObject *mapping_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Mapping *mapping = (Mapping *)type->tp_alloc(type, 0);
    if (mapping)
        mapping->bytes = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return (PyObject *)mapping;
}

static PyObject *mapping_checksum(PyObject *self, PyObject *unused)
{
    Mapping *mapping = (Mapping *)self;
    unsigned long sum = 0;
    Py_BEGIN_ALLOW_THREADS
    volatile unsigned char *bytes = mapping->bytes;
    mapping->reading = 1;
    for (;;)
        for (int at = 0; at < SIZE; at++)
            sum += bytes[at];
    Py_END_ALLOW_THREADS
    return PyLong_FromUnsignedLong(sum);
}

static PyObject *mapping_close(PyObject *self, PyObject *unused)
{
    Mapping *mapping = (Mapping *)self;
    Py_BEGIN_ALLOW_THREADS
    while (!mapping->reading)
        usleep(1000);
    munmap((void *)mapping->bytes, SIZE);
    usleep(20000000);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyMethodDef mapping_methods[] = {
    {"checksum", mapping_checksum, METH_NOARGS, NULL}, {"close", mapping_close, METH_NOARGS, NULL}, {0}};
static PyTypeObject Mapping_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "closed_mapping.Mapping",
    .tp_basicsize = sizeof(Mapping),
    .tp_new = mapping_new,
    .tp_methods = mapping_methods,
};

static int ready(PyObject *module) { return PyModule_AddType(module, &Mapping_Type); }
MODULE(closed_mapping, NULL, ready)
