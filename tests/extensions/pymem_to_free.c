/* The buffer comes from PyMem_Malloc and goes to the C library's free(). */
#include "module.h"
#include <stdlib.h>

typedef struct { PyObject_HEAD char *payload; } Packet;

static PyObject *packet_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Packet *packet = (Packet *)type->tp_alloc(type, 0);
    if (packet)
        packet->payload = PyMem_Malloc(480);
    return (PyObject *)packet;
}

static void packet_dealloc(PyObject *self)
{
    free(((Packet *)self)->payload);
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject Packet_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "pymem_to_free.Packet",
    .tp_basicsize = sizeof(Packet),
    .tp_new = packet_new,
    .tp_dealloc = packet_dealloc,
};

static int ready(PyObject *module) { return PyModule_AddType(module, &Packet_Type); }
MODULE(pymem_to_free, NULL, ready)
