/* A property's setter replaces the value without a lock: two threads drop one old value twice. */
#include "module.h"

typedef struct { PyObject_HEAD PyObject *value; char history[64]; } Cell;

static PyObject *cell_get(PyObject *self, void *closure)
{
    PyObject *value = ((Cell *)self)->value;
    return Py_NewRef(value ? value : Py_None);
}

static int cell_set(PyObject *self, PyObject *value, void *closure)
{
    Cell *cell = (Cell *)self;
    PyObject *old = cell->value;
    snprintf(cell->history, sizeof cell->history, "%p replaced by %p", old, value);
    cell->value = Py_XNewRef(value);
    Py_XDECREF(old);
    return 0;
}

static PyGetSetDef cell_getset[] = {{"value", cell_get, cell_set, NULL, NULL}, {0}};
static PyTypeObject Cell_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "setter_race.Cell",
    .tp_basicsize = sizeof(Cell),
    .tp_new = PyType_GenericNew,
    .tp_getset = cell_getset,
};

static int ready(PyObject *module) { return PyModule_AddType(module, &Cell_Type); }
MODULE(setter_race, NULL, ready)
