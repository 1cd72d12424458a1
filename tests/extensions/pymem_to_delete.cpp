// Samples come from PyMem_Calloc and go to a unique_ptr, which deletes them.
#include "module.h"
#include <memory>

static PyObject *mean(PyObject *, PyObject *list)
{
    Py_ssize_t length = PyList_Size(list);
    if (length <= 0)
        return NULL;
    std::unique_ptr<double[]> samples(static_cast<double *>(PyMem_Calloc(length, sizeof(double))));
    double sum = 0;
    for (Py_ssize_t n = 0; n < length; n++) {
        samples[n] = PyFloat_AsDouble(PyList_GetItem(list, n));
        sum += samples[n];
    }
    return PyFloat_FromDouble(sum / length);
}

static PyMethodDef methods[] = {{"mean", mean, METH_O, NULL}, {}};
MODULE(pymem_to_delete, methods, no_types)
