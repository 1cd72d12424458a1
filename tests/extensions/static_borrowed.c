/* The most recent entry is kept in a C static without a reference of its own. */
#include "module.h"

typedef struct { PyObject_HEAD PyObject *label; } Entry;

static PyObject *most_recent;

static PyObject *entry_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Entry *entry = (Entry *)type->tp_alloc(type, 0);
    if (!entry)
        return NULL;
    entry->label = PyUnicode_FromFormat("entry at %p", entry);
    most_recent = (PyObject *)entry;
    return (PyObject *)entry;
}

static void entry_dealloc(PyObject *self)
{
    Py_CLEAR(((Entry *)self)->label);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *recent_label(PyObject *self, PyObject *unused)
{
    return most_recent ? Py_NewRef(((Entry *)most_recent)->label) : Py_NewRef(Py_None);
}

static PyTypeObject Entry_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "static_borrowed.Entry",
    .tp_basicsize = sizeof(Entry),
    .tp_new = entry_new,
    .tp_dealloc = entry_dealloc,
};

static PyMethodDef methods[] = {{"recent_label", recent_label, METH_NOARGS, NULL}, {0}};
static int ready(PyObject *module) { return PyModule_AddType(module, &Entry_Type); }
MODULE(static_borrowed, methods, ready)
