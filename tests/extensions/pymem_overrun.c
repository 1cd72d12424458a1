/* Writes beyond blocks of PyMem_Malloc, over the links of the free blocks behind them. */
#include "module.h"
#include <string.h>

enum { CELLS = 64, SIZE = 96 };

static PyObject *scribble(PyObject *self, PyObject *unused)
{
    char *cells[CELLS];
    for (int n = 0; n < CELLS; n++)
        cells[n] = PyMem_Malloc(SIZE);
    for (int n = 1; n < CELLS; n += 2)
        PyMem_Free(cells[n]);
    for (int n = 0; n < CELLS; n += 2)
        memset(cells[n], 'y', SIZE + 8);
    for (int n = 0; n < 20 * CELLS; n++)
        PyMem_Malloc(SIZE);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"scribble", scribble, METH_NOARGS, NULL}, {0}};
MODULE(pymem_overrun, methods, no_types)
