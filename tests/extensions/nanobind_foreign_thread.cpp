// A nb::callable is called in a std::thread that never attached.
#include <nanobind/nanobind.h>
#include <thread>

namespace nb = nanobind;

static void notify(nb::callable callback)
{
    std::thread([&callback] { callback(3); }).join();
}

NB_MODULE(nanobind_foreign_thread, m) { m.def("notify", notify); }
