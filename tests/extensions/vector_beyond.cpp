// A std::vector of objects is read behind its end.
#include "module.h"
#include <vector>

static std::vector<PyObject *> columns;

static PyObject *add(PyObject *, PyObject *column)
{
    columns.push_back(Py_NewRef(column));
    Py_RETURN_NONE;
}

static PyObject *last(PyObject *, PyObject *)
{
    return Py_NewRef(columns[columns.size()]);
}

static PyMethodDef methods[] = {{"add", add, METH_O, NULL}, {"last", last, METH_NOARGS, NULL}, {}};
MODULE(vector_beyond, methods, no_types)
