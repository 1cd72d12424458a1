/* A gauge whose clear() gives it back, and whose hold() waits for a second thread, and then may write to nowhere. */
#include "module.h"
#include <unistd.h>

typedef struct { PyObject_HEAD } Gauge;

static _Atomic int entered;

static PyObject *gauge_clear(PyObject *self, PyObject *unused) { return Py_NewRef(self); }

static PyObject *gauge_hold(PyObject *self, PyObject *crash)
{
    entered++;
    Py_BEGIN_ALLOW_THREADS
    while (entered < 2)
        usleep(1000);
    usleep(200000);
    Py_END_ALLOW_THREADS
    if (crash == Py_True)
        *(volatile int *)0x2468 = 1;
    usleep(3000000);
    Py_RETURN_NONE;
}

static PyMethodDef gauge_methods[] = {
    {"clear", gauge_clear, METH_NOARGS, NULL}, {"hold", gauge_hold, METH_O, NULL}, {0}};
static PyTypeObject Gauge_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "running_call.Gauge",
    .tp_basicsize = sizeof(Gauge),
    .tp_new = PyType_GenericNew,
    .tp_methods = gauge_methods,
};

static int ready(PyObject *module) { return PyModule_AddType(module, &Gauge_Type); }
MODULE(running_call, NULL, ready)
