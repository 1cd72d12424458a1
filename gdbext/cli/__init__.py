"""The command line: ``gdbext triage | run | attach | batch | doctor | init | explain | completion``, one file each.

``main`` is the door and loads only the command asked for.  The debugger is started once, and ``inside`` does the work there.
"""
