# cython: language_level=3, boundscheck=False, wraparound=False, freethreading_compatible=True
"""A class whose samples are allocated by reserve(), and read without a check."""

from libc.stdlib cimport malloc


cdef class Signal:
    cdef double *samples

    def reserve(self, int size):
        self.samples = <double *> malloc(size * sizeof(double))

    def at(self, int index):
        return self.samples[index]
