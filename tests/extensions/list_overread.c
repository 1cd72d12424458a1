/* tp_init of a new object reads one item beyond the list that it is given. */
#include "module.h"

typedef struct { PyObject_HEAD Py_ssize_t total; } Words;

static int words_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *list;
    if (!PyArg_ParseTuple(args, "O!", &PyList_Type, &list))
        return -1;
    Words *words = (Words *)self;
    words->total = 0;
    for (Py_ssize_t n = 0; n <= PyList_GET_SIZE(list); n++)
        words->total += PyUnicode_GET_LENGTH(PyList_GET_ITEM(list, n));
    return 0;
}

static PyTypeObject Words_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "list_overread.Words",
    .tp_basicsize = sizeof(Words),
    .tp_new = PyType_GenericNew,
    .tp_init = words_init,
};

static int ready(PyObject *module) { return PyModule_AddType(module, &Words_Type); }
MODULE(list_overread, NULL, ready)
