# cython: language_level=3, nonecheck=False, freethreading_compatible=True
"""A node's neighbour may be None, and its fields are read all the same."""


cdef class Node:
    cdef Node neighbour
    cdef list edges

    def first_edge_of_neighbour(self):
        return len(self.neighbour.edges)
