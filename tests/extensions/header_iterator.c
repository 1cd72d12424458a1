#include "header_iterator.h"
#include "module.h"

static int ready(PyObject *module) { return PyModule_AddType(module, &Walker_Type); }
MODULE(header_iterator, NULL, ready)
