// run() joins a std::thread without detaching; the worker attaches, and collects.
#include "module.h"
#include <thread>

static PyObject *run(PyObject *, PyObject *)
{
    std::thread worker([] {
        PyGILState_STATE state = PyGILState_Ensure();
        PyGC_Collect();
        PyGILState_Release(state);
    });
    worker.join();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"run", run, METH_NOARGS, NULL}, {}};
MODULE(join_worker, methods, no_types)
