// A registry of handlers by name.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <string>
#include <unordered_map>
namespace nb = nanobind;

class Registry {
public:
    void set(const std::string &name, nb::object handler) { handlers_[name] = std::move(handler); }
    nb::object get(const std::string &name) const
    {
        auto found = handlers_.find(name);
        return found == handlers_.end() ? nb::none() : found->second;
    }
    void drop(const std::string &name) { handlers_.erase(name); }

private:
    std::unordered_map<std::string, nb::object> handlers_;
};

NB_MODULE(nanobind_map, m)
{
    nb::class_<Registry>(m, "Registry")
        .def(nb::init<>())
        .def("set", &Registry::set)
        .def("get", &Registry::get)
        .def("drop", &Registry::drop);
}
