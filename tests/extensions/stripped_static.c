/* The options of the last request are kept in a C static without a reference; built as wheels are. */
#include "module.h"

static PyObject *last_options;

static PyObject *request(PyObject *self, PyObject *options)
{
    last_options = options;
    Py_RETURN_NONE;
}

static PyObject *retry(PyObject *self, PyObject *unused)
{
    return PyObject_GetAttrString(((PyListObject *)last_options)->ob_item[0], "real");
}

static PyMethodDef methods[] = {
    {"request", request, METH_O, NULL}, {"retry", retry, METH_NOARGS, NULL}, {0}};
MODULE(stripped_static, methods, no_types)
