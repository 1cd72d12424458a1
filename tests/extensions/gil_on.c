/* Initialised in a single phase, so the import turns the GIL on; then it counts one item too far. */
#include <Python.h>

static PyObject *lengths(PyObject *self, PyObject *list)
{
    Py_ssize_t sum = 0;
    for (Py_ssize_t n = 0; n <= PyList_GET_SIZE(list); n++)
        sum += Py_SIZE(PyList_GET_ITEM(list, n));
    return PyLong_FromSsize_t(sum);
}

static PyMethodDef methods[] = {{"lengths", lengths, METH_O, NULL}, {0}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "gil_on", NULL, -1, methods};
PyMODINIT_FUNC PyInit_gil_on(void) { return PyModule_Create(&definition); }
