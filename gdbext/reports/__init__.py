"""What a person, a pipeline or another program gets to see: one file per format, each
``render(report, options) -> str``.

``formats`` is the registry.  ``text`` and ``json`` import only what they need, for they run inside
a debugger; the other formats are loaded when asked for.  Every string that comes from the target
passes through ``sanitize``.
"""
