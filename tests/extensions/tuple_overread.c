/* Takes its second argument without asking how many there are. */
#include "module.h"

static PyObject *scaled(PyObject *self, PyObject *args)
{
    PyObject *factor = ((PyTupleObject *)args)->ob_item[1];
    PyObject *product = PyNumber_Multiply(PyTuple_GET_ITEM(args, 0), factor);
    return PyNumber_Add(product, factor);
}

static PyMethodDef methods[] = {{"scaled", scaled, METH_VARARGS, NULL}, {0}};
MODULE(tuple_overread, methods, no_types)
