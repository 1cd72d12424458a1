/* A handle that tells its owner when it ends. */
#include "module.h"

typedef struct {
    PyObject_HEAD
    int fd;
    char *label;
    PyObject *on_close;
} Handle;

static PyObject *Handle_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *on_close;
    if (!PyArg_ParseTuple(args, "O", &on_close))
        return NULL;
    Handle *self = (Handle *)type->tp_alloc(type, 0);
    self->label = PyMem_Malloc(40);
    self->on_close = Py_NewRef(on_close);
    return (PyObject *)self;
}

static void Handle_dealloc(Handle *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->fd >= 0) {
        self->fd = -1;
        PyObject *result = PyObject_CallOneArg(self->on_close, (PyObject *)self);
        Py_XDECREF(result);
    }
    Py_CLEAR(self->on_close);
    PyMem_Free(self->label);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot Handle_slots[] = {{Py_tp_new, Handle_new}, {Py_tp_dealloc, Handle_dealloc},
    {0, NULL}};
static PyType_Spec Handle_spec = {"dealloc_again.Handle", sizeof(Handle), 0, Py_TPFLAGS_DEFAULT,
    Handle_slots};

static int ready(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &Handle_spec, NULL);
    return !type || PyModule_AddObjectRef(module, "Handle", type);
}
MODULE(dealloc_again, NULL, ready)
