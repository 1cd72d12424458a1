// The weights are looked up by the length of what is given: one too many, and Rust panics.
mod module;

use module::{method, PyLong_FromSsize_t, PyMethodDef, PyObject, PyObject_Length, END};

const WEIGHTS: [isize; 3] = [3, 5, 7];

#[inline(never)]
fn weight_of(length: usize) -> isize {
    WEIGHTS[length]
}

unsafe extern "C" fn weigh(_module: *mut PyObject, given: *mut PyObject) -> *mut PyObject {
    PyLong_FromSsize_t(weight_of(PyObject_Length(given) as usize))
}

static mut METHODS: [PyMethodDef; 2] = [method(b"weigh\0", weigh), END];

#[no_mangle]
pub unsafe extern "C" fn PyInit_rust_panic() -> *mut PyObject {
    module::module(b"rust_panic\0", &mut *std::ptr::addr_of_mut!(METHODS))
}
