// A lambda that runs in a std::thread makes a tuple; the thread has no thread state.
#include "module.h"
#include <thread>

namespace sensors {
static PyObject *sample(PyObject *, PyObject *callback)
{
    auto deliver = [callback](double value) {
        PyObject *pair = Py_BuildValue("(sd)", "celsius", value);
        PyObject_CallOneArg(callback, pair);
    };
    Py_BEGIN_ALLOW_THREADS
    std::thread(deliver, 21.5).join();
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}
}

static PyMethodDef methods[] = {{"sample", sensors::sample, METH_O, NULL}, {}};
MODULE(lambda_thread, methods, no_types)
