// A thread_local owns a Python object; it is destroyed when the thread's state has gone.
#include "module.h"

struct Session {
    PyObject *cookie = nullptr;
    ~Session() { Py_XDECREF(cookie); }
};
static thread_local Session session;

static PyObject *login(PyObject *, PyObject *cookie)
{
    Py_XSETREF(session.cookie, Py_NewRef(cookie));
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"login", login, METH_O, NULL}, {}};
MODULE(thread_local_owner, methods, no_types)
