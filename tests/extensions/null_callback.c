/* A signal calls its handler, which nobody has connected. */
#include "module.h"

typedef struct { PyObject_HEAD long count; void (*handler)(long); } Signal;

static PyObject *signal_emit(PyObject *self, PyObject *unused)
{
    Signal *signal = (Signal *)self;
    signal->handler(signal->count++);
    Py_RETURN_NONE;
}

static PyMethodDef signal_methods[] = {{"emit", signal_emit, METH_NOARGS, NULL}, {0}};
static PyTypeObject Signal_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "null_callback.Signal",
    .tp_basicsize = sizeof(Signal),
    .tp_new = PyType_GenericNew,
    .tp_methods = signal_methods,
};

static int ready(PyObject *module) { return PyModule_AddType(module, &Signal_Type); }
MODULE(null_callback, NULL, ready)
