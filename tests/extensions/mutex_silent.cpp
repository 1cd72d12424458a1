// A PyMutex without a critical section, and a std::mutex: two functions take them in two orders.
//
// A PyMutex does not record who has it.  Each thread has its first lock before any asks for its
// second one.

#include <Python.h>

#include <atomic>
#include <mutex>

#include "module.h"

static PyMutex cache_lock;
static std::mutex io_lock;
static std::atomic<int> inside;

static void meet() {
    for (inside++; inside < 2;) {
    }
}

static PyObject *load(PyObject *, PyObject *) {
    PyMutex_Lock(&cache_lock);
    meet();
    io_lock.lock();
    io_lock.unlock();
    PyMutex_Unlock(&cache_lock);
    Py_RETURN_NONE;
}

static PyObject *flush(PyObject *, PyObject *) {
    io_lock.lock();
    meet();
    PyMutex_Lock(&cache_lock);
    PyMutex_Unlock(&cache_lock);
    io_lock.unlock();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"load", load, METH_NOARGS, nullptr},
                                {"flush", flush, METH_NOARGS, nullptr},
                                {}};

MODULE(mutex_silent, methods, no_types)
