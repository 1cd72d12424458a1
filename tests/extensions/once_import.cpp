// A module is imported inside std::call_once; the losers wait in it, attached.
#include "module.h"
#include <atomic>
#include <mutex>
#include <unistd.h>

static std::once_flag flag;
static std::atomic<int> entered;
static std::atomic<bool> collecting;
static PyObject *codec;

static PyObject *lookup(PyObject *, PyObject *)
{
    entered++;
    std::call_once(flag, [] {
        while (!collecting)
            usleep(1000);
        usleep(1000000);
        codec = PyImport_ImportModule("colorsys");
    });
    return Py_NewRef(codec ? codec : Py_None);
}

static PyObject *collect(PyObject *, PyObject *)
{
    while (entered < 3)
        usleep(1000);
    usleep(100000);
    collecting = true;
    return PyLong_FromSsize_t(PyGC_Collect());
}

static PyMethodDef methods[] = {
    {"lookup", lookup, METH_NOARGS, NULL}, {"collect", collect, METH_NOARGS, NULL}, {}};
MODULE(once_import, methods, no_types)
