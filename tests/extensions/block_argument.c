/* One thread writes past a block of PyMem_Malloc() that it was given, and goes on with it, while its owner allocates more. */
#include "module.h"
#include <string.h>
#include <unistd.h>

enum { CELLS = 64, SIZE = 96 };
static char *cells[CELLS];
static _Atomic int is_written;

static __attribute__((noinline)) void write_cell(char *cell, size_t size)
{
    memset(cell, 'y', size);
    is_written = 1;
    for (;;)
        usleep(1000), cell[1]++;
}

static PyObject *fill(PyObject *self, PyObject *unused)
{
    Py_BEGIN_ALLOW_THREADS
    write_cell(cells[20], SIZE + 8);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *make(PyObject *self, PyObject *unused)
{
    for (int n = 0; n < CELLS; n++)
        cells[n] = PyMem_Malloc(SIZE);
    for (int n = 1; n < CELLS; n += 2)
        PyMem_Free(cells[n]);
    Py_RETURN_NONE;
}

static PyObject *grow(PyObject *self, PyObject *unused)
{
    while (!is_written)
        usleep(1000);
    for (int n = 0; n < 20 * CELLS; n++)
        PyMem_Malloc(SIZE);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"fill", fill, METH_NOARGS, NULL}, {"make", make, METH_NOARGS, NULL}, {"grow", grow, METH_NOARGS, NULL}, {0}};
MODULE(block_argument, methods, no_types)
