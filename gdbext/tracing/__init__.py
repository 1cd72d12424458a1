"""Follows processes without stopping them, and copies one to a core at the moment it dies.

``ptrace`` is the system call, ``process`` what ``/proc`` tells, ``snapshot`` the core writer,
``tracer`` the loop of events.
"""
