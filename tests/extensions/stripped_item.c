/* The type of the item behind the last one, which is NULL; built without debug information, as wheels are. */
#include "module.h"

static PyObject *kind_of_next(PyObject *self, PyObject *list)
{
    return Py_NewRef((PyObject *)Py_TYPE(PyList_GET_ITEM(list, PyList_GET_SIZE(list))));
}

static PyMethodDef methods[] = {{"kind_of_next", kind_of_next, METH_O, NULL}, {0}};
MODULE(stripped_item, methods, no_types)
