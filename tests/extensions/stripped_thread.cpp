// A sampler calls its callback from a thread of its own.
#include "module.h"
#include <pthread.h>
#include <time.h>

struct Job {
    PyObject *callback;
    int count;
};

static void *sample(void *arg)
{
    Job *job = static_cast<Job *>(arg);
    timespec pause = {0, 1000000};
    for (int i = 0; i < job->count; i++) {
        nanosleep(&pause, nullptr);
        PyObject *value = PyFloat_FromDouble(i * 0.5);
        PyObject *args = PyTuple_Pack(1, value);
        PyObject *result = PyObject_CallObject(job->callback, args);
        Py_XDECREF(result);
        Py_XDECREF(args);
        Py_XDECREF(value);
    }
    return nullptr;
}

static PyObject *start(PyObject *, PyObject *callback)
{
    pthread_t thread;
    Job *job = new Job{Py_NewRef(callback), 10};
    pthread_create(&thread, nullptr, sample, job);
    pthread_detach(thread);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"start", start, METH_O, NULL}, {}};
MODULE(stripped_thread, methods, no_types)
