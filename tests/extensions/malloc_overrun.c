/* Writes beyond a block of malloc(), over the links of the free chunk behind it. */
#include "module.h"
#include <stdlib.h>
#include <string.h>

enum { ROWS = 40, WIDTH = 1800 };

static PyObject *table(PyObject *self, PyObject *unused)
{
    char *rows[ROWS];
    for (int n = 0; n < ROWS; n++)
        rows[n] = malloc(WIDTH);
    for (int n = 1; n < ROWS; n += 2)
        free(rows[n]);
    for (int n = 0; n < ROWS; n += 2)
        memset(rows[n] + WIDTH + 16, 'x', 16);
    for (int n = 0; n < ROWS; n += 2)
        free(rows[n]);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"table", table, METH_NOARGS, NULL}, {0}};
MODULE(malloc_overrun, methods, no_types)
