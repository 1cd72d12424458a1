"""The only part of the diagnosis that reads the target: it turns memory, stacks and locks into
:mod:`facts`.
"""
