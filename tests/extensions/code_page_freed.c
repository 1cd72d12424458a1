/* Compiles a function into a page of its own, gives the page back, and calls the function once more. */
#include "module.h"
#include <string.h>
#include <sys/mman.h>

typedef long (*Compiled)(void);
static const unsigned char CODE[] = {0xB8, 42, 0, 0, 0, 0xC3}; /* mov $42,%eax; ret */

static PyObject *evaluate(PyObject *self, PyObject *unused)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, CODE, sizeof CODE);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    volatile Compiled compiled = (Compiled)page;
    long first = compiled();
    munmap(page, 4096);
    return PyLong_FromLong(first + compiled());
}

static PyMethodDef methods[] = {{"evaluate", evaluate, METH_NOARGS, NULL}, {0}};
MODULE(code_page_freed, methods, no_types)
