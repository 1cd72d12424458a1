"""Imported by import_wait.py: a module whose body never ends."""

import threading

import _state

_state.begun.set()
threading.Event().wait()
