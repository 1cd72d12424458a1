"""How the facts of a CPython version are gathered: from its headers, from debug information, from
an interpreter that is run.

Two use it: ``scripts/version_tables.py``, which makes the folders of ``gdbext/cpython/versions``,
and ``gdbext learn``, which does the same for one interpreter of the user's.
"""
