// transfer() locks the mutexes of its two accounts in the order in which it is given them.
#include "module.h"
#include <atomic>
#include <mutex>
#include <unistd.h>

struct Account { PyObject_HEAD std::mutex *guard; };

static void both_are_in()
{
    static std::atomic<int> entered;
    entered++;
    while (entered < 2)
        usleep(1000);
}

static PyObject *account_new(PyTypeObject *type, PyObject *, PyObject *)
{
    Account *account = reinterpret_cast<Account *>(type->tp_alloc(type, 0));
    if (account)
        account->guard = new std::mutex;
    return reinterpret_cast<PyObject *>(account);
}

static PyObject *account_transfer(PyObject *self, PyObject *other)
{
    std::lock_guard<std::mutex> mine(*reinterpret_cast<Account *>(self)->guard);
    both_are_in();
    std::lock_guard<std::mutex> theirs(*reinterpret_cast<Account *>(other)->guard);
    Py_RETURN_NONE;
}

static PyMethodDef account_methods[] = {{"transfer", account_transfer, METH_O, NULL}, {}};
static PyTypeObject Account_Type = {PyVarObject_HEAD_INIT(NULL, 0)};

static int ready(PyObject *module)
{
    Account_Type.tp_name = "mutex_pair.Account";
    Account_Type.tp_basicsize = sizeof(Account);
    Account_Type.tp_new = account_new;
    Account_Type.tp_methods = account_methods;
    return PyModule_AddType(module, &Account_Type);
}
MODULE(mutex_pair, NULL, ready)
