// get() waits for a value on a condition variable, attached, while put() cannot come: the world is being stopped.
#include "module.h"
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

static std::mutex guard;
static std::condition_variable filled;
static std::deque<PyObject *> queue;
static std::atomic<bool> waits;

static PyObject *get(PyObject *, PyObject *)
{
    std::unique_lock<std::mutex> lock(guard);
    waits = true;
    filled.wait(lock, [] { return !queue.empty(); });
    PyObject *front = queue.front();
    queue.pop_front();
    return front;
}

static PyObject *put(PyObject *, PyObject *item)
{
    std::lock_guard<std::mutex> lock(guard);
    queue.push_back(Py_NewRef(item));
    filled.notify_one();
    Py_RETURN_NONE;
}

static PyObject *has_taker(PyObject *, PyObject *) { return PyBool_FromLong(waits); }

static PyMethodDef methods[] = {{"get", get, METH_NOARGS, NULL},
                                {"put", put, METH_O, NULL},
                                {"has_taker", has_taker, METH_NOARGS, NULL},
                                {}};
MODULE(wait_condition, methods, no_types)
