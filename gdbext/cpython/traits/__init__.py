"""What is known of CPython's types, methods and slots beyond their layout, as data (``*.json``),
and its typed loaders.

Each row names the source file of CPython that it was read from; ``scripts/check_traits.py`` checks
that what a row names exists in the interpreters at hand.  A type, method or slot without a row has
no traits: nothing is assumed of it.
"""
