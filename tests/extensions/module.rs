//! What the Rust modules here need of CPython's C API, free-threaded, and how each ends.
#![allow(dead_code, non_snake_case)]

use std::os::raw::{c_char, c_int, c_void};

#[repr(C)]
pub struct PyObject {
    _private: [u8; 0],
}

/// `struct _object` of a free-threaded build (Include/object.h), as a static one begins.
#[repr(C)]
pub struct Header {
    tid: usize,
    padding: u16,
    mutex: u8,
    gc_bits: u8,
    ref_local: u32,
    ref_shared: isize,
    kind: *mut c_void,
}

#[repr(C)]
pub struct PyMethodDef {
    pub name: *const c_char,
    pub function: Option<unsafe extern "C" fn(*mut PyObject, *mut PyObject) -> *mut PyObject>,
    pub flags: c_int,
    pub doc: *const c_char,
}

#[repr(C)]
pub struct PyModuleDef {
    base: Header,
    init: *mut c_void,
    index: isize,
    copy: *mut c_void,
    name: *const c_char,
    doc: *const c_char,
    size: isize,
    methods: *mut PyMethodDef,
    slots: *mut c_void,
    traverse: *mut c_void,
    clear: *mut c_void,
    free: *mut c_void,
}

extern "C" {
    pub fn PyModule_Create2(def: *mut PyModuleDef, version: c_int) -> *mut PyObject;
    pub fn PyList_Size(list: *mut PyObject) -> isize;
    pub fn PyList_GetItem(list: *mut PyObject, index: isize) -> *mut PyObject;
    pub fn PyObject_Length(object: *mut PyObject) -> isize;
    pub fn PyObject_Repr(object: *mut PyObject) -> *mut PyObject;
    pub fn PyLong_FromSsize_t(value: isize) -> *mut PyObject;
    pub fn PyErr_Clear();
    pub fn Py_DecRef(object: *mut PyObject);
}

/// PYTHON_API_VERSION
const API: c_int = 1013;
/// METH_O
pub const ONE_ARGUMENT: c_int = 0x0008;

/// The module with its methods, the last of which has no name.
pub unsafe fn module(name: &'static [u8], methods: &'static mut [PyMethodDef]) -> *mut PyObject {
    let null = std::ptr::null_mut();
    let base = Header {
        tid: 0, padding: 0, mutex: 0, gc_bits: 0, ref_local: u32::MAX, ref_shared: 0, kind: null,
    };
    let def = Box::leak(Box::new(PyModuleDef {
        base,
        init: null,
        index: 0,
        copy: null,
        name: name.as_ptr() as *const c_char,
        doc: std::ptr::null(),
        size: -1,
        methods: methods.as_mut_ptr(),
        slots: null,
        traverse: null,
        clear: null,
        free: null,
    }));
    PyModule_Create2(def, API)
}

/// `METH_O` of a name that ends in NUL.
pub const fn method(
    name: &'static [u8],
    function: unsafe extern "C" fn(*mut PyObject, *mut PyObject) -> *mut PyObject,
) -> PyMethodDef {
    PyMethodDef {
        name: name.as_ptr() as *const c_char,
        function: Some(function),
        flags: ONE_ARGUMENT,
        doc: std::ptr::null(),
    }
}

pub const END: PyMethodDef = PyMethodDef {
    name: std::ptr::null(), function: None, flags: 0, doc: std::ptr::null(),
};
