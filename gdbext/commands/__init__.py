"""The ``ft …`` commands, one file each, the same in gdb and in lldb.  ``dispatch`` runs them."""
