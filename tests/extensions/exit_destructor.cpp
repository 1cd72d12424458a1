// A global owns a Python object; it is destroyed when the process exits, after the interpreter.
#include "module.h"

struct Holder {
    PyObject *object = nullptr;
    ~Holder() { Py_XDECREF(object); }
};
static Holder configuration;

static PyObject *configure(PyObject *, PyObject *object)
{
    Py_XSETREF(configuration.object, Py_NewRef(object));
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"configure", configure, METH_O, NULL}, {}};
MODULE(exit_destructor, methods, no_types)
