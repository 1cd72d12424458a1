// update() takes the registry's mutex, then the list's critical section; walk() the other way round.
#include "module.h"
#include <atomic>
#include <mutex>
#include <unistd.h>

static std::mutex registry;

static void both_are_in()
{
    static std::atomic<int> entered;
    entered++;
    while (entered < 2)
        usleep(1000);
}

static PyObject *update(PyObject *, PyObject *list)
{
    std::lock_guard<std::mutex> lock(registry);
    both_are_in();
    Py_BEGIN_CRITICAL_SECTION(list);
    PyList_SetSlice(list, 0, 0, NULL);
    Py_END_CRITICAL_SECTION();
    Py_RETURN_NONE;
}

static PyObject *walk(PyObject *, PyObject *list)
{
    Py_BEGIN_CRITICAL_SECTION(list);
    both_are_in();
    std::lock_guard<std::mutex> lock(registry);
    Py_END_CRITICAL_SECTION();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"update", update, METH_O, NULL}, {"walk", walk, METH_O, NULL}, {}};
MODULE(mutex_order, methods, no_types)
