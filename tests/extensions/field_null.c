/* A closed handle's connection is NULL; send() asks it all the same. */
#include "module.h"

struct connection { long sent; char name[24]; long limit; };
typedef struct { PyObject_HEAD struct connection *connection; } Handle;

static PyObject *handle_send(PyObject *self, PyObject *unused)
{
    struct connection *connection = ((Handle *)self)->connection;
    return PyLong_FromLong(connection->limit - connection->sent);
}

static PyMethodDef handle_methods[] = {{"send", handle_send, METH_NOARGS, NULL}, {0}};
static PyTypeObject Handle_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "field_null.Handle",
    .tp_basicsize = sizeof(Handle),
    .tp_new = PyType_GenericNew,
    .tp_methods = handle_methods,
};

static int ready(PyObject *module) { return PyModule_AddType(module, &Handle_Type); }
MODULE(field_null, NULL, ready)
