"""A function of a library is called through a pointer after the library was unloaded."""

import _ctypes
import shutil

import library_unloaded

EXPECT = {
    "signal": "SIGSEGV",
    "rule": "FT406",
    "headline": ("stale function pointer",),
    "shows": ("fire",),
    "never": ("outside Python objects",),
    "fails": {},
}

if __name__ == "__main__":
    shutil.copy(library_unloaded.__file__, "plugin.so")
    plugin = _ctypes.dlopen("./plugin.so")
    library_unloaded.install(_ctypes.dlsym(plugin, "answer"))
    print(library_unloaded.fire())
    _ctypes.dlclose(plugin)
    print(library_unloaded.fire())
