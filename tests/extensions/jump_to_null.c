/* A hook that is set ends in a call through the object's own callback, which is not. */
#include "module.h"

typedef struct Signal { PyObject_HEAD long count; void (*handler)(long, long); } Signal;
static void (*hook)(Signal *);

__attribute__((noinline)) static void emit(Signal *signal)
{
    void (*handler)(long, long) = signal->handler;
    signal->count++;
    handler(1, signal->count);
}

static PyObject *signal_fire(PyObject *self, PyObject *unused)
{
    if (hook)
        hook((Signal *)self);
    Py_RETURN_NONE;
}

static PyMethodDef signal_methods[] = {{"fire", signal_fire, METH_NOARGS, NULL}, {0}};
static PyTypeObject Signal_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "jump_to_null.Signal",
    .tp_basicsize = sizeof(Signal),
    .tp_new = PyType_GenericNew,
    .tp_methods = signal_methods,
};

static int ready(PyObject *module)
{
    hook = emit;
    return PyModule_AddType(module, &Signal_Type);
}
MODULE(jump_to_null, NULL, ready)
