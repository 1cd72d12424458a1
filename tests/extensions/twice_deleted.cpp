// Two owners of one C++ object: each deletes it.
#include "module.h"
#include <memory>
#include <string>

struct Model { std::string name; double weights[40]; };

static PyObject *copy_model(PyObject *, PyObject *)
{
    std::unique_ptr<Model> first(new Model{"linear", {}});
    std::unique_ptr<Model> second(first.get());
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"copy_model", copy_model, METH_NOARGS, NULL}, {}};
MODULE(twice_deleted, methods, no_types)
