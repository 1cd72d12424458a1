"""The command line, one file each: ``gdbext triage | run | attach | batch | doctor | init | explain
| completion`` …

``main`` loads only the command asked for.
"""
