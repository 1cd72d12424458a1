// A std::thread is destroyed before it was joined: the C++ runtime ends the process.
#include "module.h"
#include <chrono>
#include <thread>

static void poll_device()
{
    std::this_thread::sleep_for(std::chrono::seconds(20));
}

static PyObject *start(PyObject *, PyObject *)
{
    std::thread poller(poll_device);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"start", start, METH_NOARGS, NULL}, {}};
MODULE(joinable_thread, methods, no_types)
