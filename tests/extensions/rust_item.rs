// Items of a list are borrowed (PyList_GetItem), and used again after Python code has run.
mod module;

use module::{
    method, PyErr_Clear, PyList_GetItem, PyList_Size, PyLong_FromSsize_t, PyMethodDef, PyObject,
    PyObject_Length, PyObject_Repr, Py_DecRef, END,
};

#[inline(never)]
unsafe fn shown(item: *mut PyObject) -> isize {
    let text = PyObject_Repr(item);
    if text.is_null() {
        PyErr_Clear();
        return 0;
    }
    Py_DecRef(text);
    PyObject_Length(item)
}

unsafe extern "C" fn show(_module: *mut PyObject, list: *mut PyObject) -> *mut PyObject {
    let mut total = 0;
    for index in 0..PyList_Size(list) {
        let item = PyList_GetItem(list, index);
        if item.is_null() {
            PyErr_Clear();
            break;
        }
        total += shown(item);
    }
    PyLong_FromSsize_t(total)
}

static mut METHODS: [PyMethodDef; 2] = [method(b"show\0", show), END];

#[no_mangle]
pub unsafe extern "C" fn PyInit_rust_item() -> *mut PyObject {
    module::module(b"rust_item\0", &mut *std::ptr::addr_of_mut!(METHODS))
}
