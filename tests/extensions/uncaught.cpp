// An exception leaves a std::thread: the C++ runtime ends the process.
#include "module.h"
#include <stdexcept>
#include <thread>

static void parse(int number)
{
    if (number > 2)
        throw std::out_of_range("no such channel");
}

static PyObject *scan(PyObject *, PyObject *)
{
    Py_BEGIN_ALLOW_THREADS
    std::thread worker(parse, 3);
    worker.join();
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"scan", scan, METH_NOARGS, NULL}, {}};
MODULE(uncaught, methods, no_types)
