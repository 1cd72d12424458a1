"""From a fault to findings: what was wrong, what proves it, who raced, which CPython
issue it is.
"""
