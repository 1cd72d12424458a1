/* Takes over its argument's reference, gives it up, and unlocks its mutex once too often. */
#include "module.h"

static PyMutex lock;

static void finish(PyObject *job)
{
    PyMutex_Lock(&lock);
    Py_DECREF(job);
    PyMutex_Unlock(&lock);
    PyMutex_Unlock(&lock);
}

static PyObject *run(PyObject *self, PyObject *kind)
{
    PyObject *job = PyObject_CallNoArgs(kind);
    if (job)
        finish(job);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"run", run, METH_O, NULL}, {0}};
MODULE(stolen_argument, methods, no_types)
