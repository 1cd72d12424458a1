/* A pthread calls a Python function without attaching. */
#include "module.h"
#include <pthread.h>

static void *worker(void *callback)
{
    PyObject_CallNoArgs(callback);
    return NULL;
}

static PyObject *later(PyObject *self, PyObject *callback)
{
    pthread_t thread;
    pthread_create(&thread, NULL, worker, callback);
    Py_BEGIN_ALLOW_THREADS
    pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"later", later, METH_O, NULL}, {0}};
MODULE(c_thread, methods, no_types)
