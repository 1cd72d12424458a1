/* A topic calls its subscribers with its lock held. */
#include "module.h"

typedef struct {
    PyObject_HEAD
    PyMutex lock;
    PyObject *subscribers;
} Topic;

static PyObject *Topic_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    Topic *self = (Topic *)type->tp_alloc(type, 0);
    self->subscribers = PyList_New(0);
    return (PyObject *)self;
}

static PyObject *Topic_subscribe(Topic *self, PyObject *callback)
{
    PyMutex_Lock(&self->lock);
    int status = PyList_Append(self->subscribers, callback);
    PyMutex_Unlock(&self->lock);
    return status < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *Topic_publish(Topic *self, PyObject *value)
{
    PyObject *result = Py_None;
    PyMutex_Lock(&self->lock);
    for (Py_ssize_t i = 0; result && i < PyList_GET_SIZE(self->subscribers); i++) {
        result = PyObject_CallOneArg(PyList_GET_ITEM(self->subscribers, i), value);
        Py_XDECREF(result);
    }
    PyMutex_Unlock(&self->lock);
    return result ? Py_NewRef(Py_None) : NULL;
}

static PyMethodDef Topic_methods[] = {{"subscribe", (PyCFunction)Topic_subscribe, METH_O, NULL},
    {"publish", (PyCFunction)Topic_publish, METH_O, NULL}, {NULL}};
static PyType_Slot Topic_slots[] = {{Py_tp_new, Topic_new}, {Py_tp_methods, Topic_methods},
    {0, NULL}};
static PyType_Spec Topic_spec = {"stripped_callback.Topic", sizeof(Topic), 0, Py_TPFLAGS_DEFAULT, Topic_slots};

static int ready(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &Topic_spec, NULL);
    return !type || PyModule_AddObjectRef(module, "Topic", type);
}
MODULE(stripped_callback, NULL, ready)
