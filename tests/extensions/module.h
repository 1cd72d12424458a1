/* What every module here ends with: it says of itself that it can do without the GIL. */
#pragma once
#include <Python.h>

static inline int no_types(PyObject *module) { (void)module; return 0; }

#define MODULE(NAME, METHODS, READY)                                                        \
    static PyModuleDef_Slot module_slots[] = {                                              \
        {Py_mod_exec, (void *)READY}, {Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};        \
    static PyModuleDef module_def = {PyModuleDef_HEAD_INIT, #NAME, NULL, 0, METHODS,        \
                                     module_slots, NULL, NULL, NULL};                       \
    PyMODINIT_FUNC PyInit_##NAME(void) { return PyModuleDef_Init(&module_def); }
