/* Fills a row of numbers with one number too many, which lands in the next block. */
#include "module.h"

static PyObject *total(PyObject *self, PyObject *length)
{
    long n = PyLong_AsLong(length);
    double sum = 0, *row = PyMem_Malloc(n * sizeof(double));
    if (!row)
        return PyErr_NoMemory();
    for (long i = 0; i <= n; i++)
        row[i] = 1.5 * i;
    for (long i = 0; i < n; i++)
        sum += row[i];
    PyMem_Free(row);
    return PyFloat_FromDouble(sum);
}

static PyMethodDef methods[] = {{"total", total, METH_O, NULL}, {0}};
MODULE(row_overrun, methods, no_types)
