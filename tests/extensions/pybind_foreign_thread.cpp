// A py::function is called in a thread of std::async, which never attached.
#include <future>
#include <pybind11/pybind11.h>

namespace py = pybind11;

static std::size_t notify(const py::function &callback)
{
    auto done = std::async(std::launch::async, [&callback] {
        callback("ready");
        return std::size_t{1};
    });
    return done.get();
}

PYBIND11_MODULE(pybind_foreign_thread, m, py::mod_gil_not_used()) { m.def("notify", notify); }
